"""The instructor's side: building labs, grading, feedback, reports."""
