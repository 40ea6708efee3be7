"""report.html: its rows, blocks, pictures, style and script."""
