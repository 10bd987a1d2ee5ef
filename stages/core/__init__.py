"""What several stages share: errors, params, images and folders, the executor, the model, scores."""
