"""What is measured of a take, one module a subject: pure functions of arrays and records, each with its unit."""
