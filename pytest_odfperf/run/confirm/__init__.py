"""What was found worse is measured again, after the run's own keys and on the same road."""
