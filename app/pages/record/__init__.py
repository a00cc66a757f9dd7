"""The Record page: a subject's session, from the first question to the report."""
