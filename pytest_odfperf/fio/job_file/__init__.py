"""fio's job file as fio reads it: lines, options, figures, and what is wrong with them."""
