"""Components answered from a cassette: recorded calls found again, their outcomes played, objects stood in for."""
