"""The style and the script that the report's own block brings along; nothing is loaded from elsewhere."""

from __future__ import annotations

STYLE = """
body{color:#444;font-size:13px}#results-table{color:#333}
#results-table td[class^="col-odf_"]{white-space:nowrap}
#results-table td[class*="_iops"],#results-table td[class*="_bw"],#results-table td[class*="_p99"],
#results-table td.col-odf_vms,#results-table td.col-odf_pvc,#results-table td.col-odf_bs{
text-align:right;font-variant-numeric:tabular-nums}
.odf{color:#222;margin-bottom:1em}.odf a{color:#0b5cad}
.odf table{margin:.5em 0}.odf th,.odf td{padding:3px 10px;border:1px solid #ddd;text-align:left}
.odf th{font-weight:600}.odf-pools td{text-align:right;font-variant-numeric:tabular-nums}
.odf-pools td:last-child{text-align:left}.odf .odf-bad{color:#b00020;font-weight:700}
.odf .odf-note{color:#555;max-width:70em}
.odf-banner{background:#f0e442;color:#000!important;border:3px solid #000;padding:10px 14px;font-size:16px}
.odf-banner strong{font-size:22px;letter-spacing:.08em;margin-right:.6em}
.odf-suspect{font-weight:700}.odf-invalid{font-weight:700;color:#b00020}
.odf-filter select{font:inherit;padding:2px 6px}
@media (prefers-color-scheme:dark){
:root{color-scheme:dark}body{background:#14161b;color:#ccc}h1,h2,p{color:#eee}a{color:#8ab8f0}
#environment tr:nth-child(odd){background:#1c1f26}.logwrapper,.logwrapper .logexpander{background:#262a33}
.logwrapper .log{color:#ddd;border-color:#3a3f4a}
#results-table,#results-table td,#results-table th,#environment td{color:#ddd;border-color:#3a3f4a}
.odf{color:#eee}.odf a{color:#8ab8f0}.odf th,.odf td{border-color:#3a3f4a}
.odf .odf-note{color:#b8bcc4}.odf .odf-bad,.odf-invalid{color:#ff8a80}}
"""

# pytest-html makes a new table for each sort and filter, as a child of body; so rows are hidden anew then.
SCRIPT = """
(function () {
  var select = document.getElementById("odf-pool"), shown = document.getElementById("odf-shown");
  function apply() {
    var bodies = document.querySelectorAll("#results-table > tbody"), count = 0, rows = 0;
    bodies.forEach(function (body) {
      var cell = body.querySelector("td.col-odf_pool");
      if (!cell) { return; }
      rows += 1;
      body.hidden = select.value !== "" && cell.textContent !== select.value;
      count += body.hidden ? 0 : 1;
    });
    shown.textContent = select.value === "" ? "" : count + " of " + rows + " rows";
  }
  select.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", function () {
    apply();
    new MutationObserver(apply).observe(document.body, { childList: true });
  });
})();
"""
