"""Looking inside a trained network: what its gates, scores and gradients do."""
