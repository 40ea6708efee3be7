"""What a session shows and leaves: terminal, JUnit, pytest-html, the files of a run."""
