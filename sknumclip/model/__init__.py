"""The NumCLIP model as torch modules: prompts, shifted bin centers, solved fits."""
