"""The shared machinery of the estimators: input handling, checks, fit and predict, explanations."""
