"""How fio is told what to do, and what its answer means. Text in, values out."""
