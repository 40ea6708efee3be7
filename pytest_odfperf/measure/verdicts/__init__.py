"""Whether a measurement is to be believed: rules that look at one thing each, and what they object to."""
