"""The NumCLIP model as torch modules: learnable prompts, shifted bin centers."""
