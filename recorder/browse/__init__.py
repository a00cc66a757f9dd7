"""Looking through takes: events, pictures and curves at any instant of a take, and the list of all takes of a data set."""
