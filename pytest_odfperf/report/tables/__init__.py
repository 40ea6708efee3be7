"""Tables for spreadsheets and scripts: units in the names of columns, what was not measured is empty."""
