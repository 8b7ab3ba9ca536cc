#pragma once
// The report's looks, light and dark; in the page itself, so that it can be mailed.

namespace sluice::sim::report {

inline constexpr const char* kStyle = R"css(
:root { --ink:#1c2430; --soft:#5b6675; --faint:#e6e9ee; --paper:#fff; --ground:#f4f6f9;
  --c0:#1769c2; --c1:#d9622b; --c2:#2a8f62; --c3:#8a4fbe; --c4:#b58a00; --c5:#c23b6b; --c6:#4a7a8c; }
@media (prefers-color-scheme: dark) { :root { --ink:#e8ecf2; --soft:#9aa6b5; --faint:#2c3440;
  --paper:#1a2029; --ground:#12161c; --c0:#5aa2ec; --c1:#f08d5b; --c2:#58c08f; --c3:#b98be0;
  --c4:#d9b440; --c5:#ea7fa3; --c6:#83b3c4; } }
* { box-sizing:border-box }
body { margin:0; background:var(--ground); color:var(--ink);
  font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif }
main { max-width:960px; margin:0 auto; padding:40px 20px 80px }
h1 { font-size:30px; line-height:1.2; margin:0 0 6px; letter-spacing:-.01em }
h2 { font-size:19px; margin:0 0 4px }
p { margin:0 0 10px } .soft { color:var(--soft) }
.lead { font-size:18px; max-width:70ch }
section { background:var(--paper); border:1px solid var(--faint); border-radius:12px;
  padding:22px 24px; margin-top:20px }
.cards { display:grid; grid-template-columns:repeat(auto-fit,minmax(190px,1fr)); gap:14px;
  margin-top:22px }
.card { background:var(--paper); border:1px solid var(--faint); border-radius:12px; padding:16px 18px }
.card b { display:block; font-size:28px; line-height:1.2; letter-spacing:-.01em }
.card span { color:var(--soft); font-size:14px }
svg { width:100%; height:auto; display:block; margin-top:8px; overflow:visible }
svg text { font-size:12px; fill:var(--ink) } svg .tick { fill:var(--soft) }
svg .label { fill:var(--soft); font-size:12.5px } svg .name { font-weight:600; font-size:13px }
svg .bar-name { font-size:14px } svg .bar-label { font-size:13px; fill:var(--soft) }
.grid { stroke:var(--faint) } .axis { stroke:var(--soft) }
.mark { stroke:var(--soft); stroke-dasharray:5 4 }
.line { fill:none; stroke-width:2.2; stroke-linejoin:round } .area { opacity:.13; stroke:none }
.band { opacity:.16; stroke:none } .cell { fill:var(--c0) }
svg .cell-label { font-size:13px } svg .cell-label.dark { fill:#fff }
table { border-collapse:collapse; width:100%; font-size:14px; margin-top:10px }
th,td { text-align:right; padding:6px 10px; border-bottom:1px solid var(--faint); white-space:nowrap }
th:first-child,td:first-child { text-align:left }
th { color:var(--soft); font-weight:500; white-space:normal; vertical-align:bottom }
.wide { overflow-x:auto } td { font-variant-numeric:tabular-nums }
details summary { cursor:pointer; color:var(--soft) }
pre { overflow-x:auto; font-size:13px; line-height:1.5 }
@media print { body { background:#fff } section,.card { break-inside:avoid } }
)css";

}  // namespace sluice::sim::report
