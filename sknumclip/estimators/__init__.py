"""Shared code of the estimators: input handling, checks, fit and predict, explanations."""
