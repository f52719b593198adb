"""The networks of the method: E_R and D_R (registration), ε_θ (denoiser), D_η (motion decoder)."""
