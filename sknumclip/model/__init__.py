"""The NumCLIP model as torch modules: prompts, shifted bin centers, solved fits."""

N_WAVES = 512  # random Fourier features of a solved fit; the shapes in saved models
