"""Pictures of records, drawn with matplotlib: one file for each kind."""
