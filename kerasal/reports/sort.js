"use strict";
// Tables: a click on a head sorts, a second one turns the order round; "–" is always last.
function value(row, column) {
  const text = row.cells[column].textContent.replace(/^−/, "-");
  const number = parseFloat(text);
  return Number.isNaN(number) || !row.cells[column].classList.contains("right") ? text : number;
}

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.firstChild.addEventListener("click", () => {
    const name = head.textContent;
    const before = head.getAttribute("aria-sort");
    const falling = before ? before === "ascending" : name.includes("↑");
    const unknown = (v) => v === "–";
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const [x, y] = [value(a, column), value(b, column)];
      if (unknown(x) || unknown(y)) return unknown(x) - unknown(y);
      const order = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
      return falling ? -order : order;
    });
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    table.tBodies[0].append(...rows);
  }));
}
