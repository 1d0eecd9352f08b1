"""Engine: many trainings as one tensor program, and the exact optimum."""
