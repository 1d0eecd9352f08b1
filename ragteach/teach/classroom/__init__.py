"""For a class: worlds of one's own, grading, and what a teacher hands out."""
