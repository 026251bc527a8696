"""The job of tables: train a feedforward net to predict one column from the others, evaluate it, apply it to rows."""
