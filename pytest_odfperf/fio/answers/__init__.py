"""What fio says: its JSON, its words and its exit code become figures, or an error."""
