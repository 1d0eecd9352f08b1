// What all explorers look like: one style sheet, light and dark, wide and narrow.
//
// Fast: Chromium repaints what changed, but it sorts the layers of the whole page again (1.3 to 1.9 ms in JupyterLab, every
// frame) if an area that is painted by itself changes its extent.  So what moves lies inside a box that is painted too and
// stays: `.value` around a number, the sheet under a picture, the parts of the frame above.  And a shape is made pale
// with fill-opacity or stroke-opacity: `opacity` would make it such an area.  While the hand is on an explorer, its slider,
// its sentence and both sheets of its pictures are layers of their own: their pixels are drawn again, not every tile of the
// page that they touch; and what stands still on the lower sheet is not drawn again either.  A slider's layout ends at the
// slider (contain), not at the page.  When a hand that has rested moves, its first frame draws the picture only: the eye is
// there, the words can wait for the next (View.step).

const CSS = `
:host { display: block; max-width: 1120px; }
.root { --fg: #1b1f24; --soft: #57606a; --line: #d0d7de; --grid: #eaeef2; --bg: #ffffff; --panel: #f6f8fa; --accent: #0b62c4;
  --plus: 11, 98, 196; --minus: 200, 84, 0; --shared: #1b1f24; --warn: #a40e26; --shade: rgba(0, 0, 0, .38);
  --series-0: #0072b2; --series-1: #d55e00; --series-2: #009e73; --series-3: #cc79a7; --series-4: #8723f5; --series-5: #431033;
  --series-6: #a55a2d; --series-7: #691e00; --series-8: #001eb4; --series-9: #b469ff; --series-10: #874b78; --series-11: #4b0f78;
  color: var(--fg); background: var(--bg); font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; box-sizing: border-box; color-scheme: light; } /* of scroll bars and lists, too */
.root[data-theme="dark"] { color-scheme: dark; --fg: #e8eaed; --soft: #a9b1ba; --line: #444c56; --grid: #2d333b; --bg: #16191d; --panel: #1f242a;
  --accent: #6cb2ff; --plus: 108, 178, 255; --minus: 255, 159, 80; --shared: #e8eaed; --warn: #ff8f9c; --shade: rgba(255, 255, 255, .4);
  --series-0: #0072b2; --series-1: #d55e00; --series-2: #009e73; --series-3: #cc79a7; --series-4: #e69f00; --series-5: #56b4e9;
  --series-6: #5aff69; --series-7: #784bf0; --series-8: #b4c3b4; --series-9: #d2b478; --series-10: #e10f4b; --series-11: #c3ffc3; }
@media (forced-colors: active) { .root, .root[data-theme="dark"] { --fg: CanvasText; --soft: CanvasText; --line: CanvasText; --grid: color-mix(in srgb, CanvasText 25%, Canvas); --bg: Canvas;
  --panel: Canvas; --accent: Highlight; --shared: CanvasText; --warn: CanvasText; } svg, .sample { forced-color-adjust: none; } svg text { fill: CanvasText; }
  button[aria-pressed=true] { forced-color-adjust: none; background: Highlight; color: HighlightText; } }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; animation: none !important; } }
* { box-sizing: border-box; }
h3 { font-size: 17px; line-height: 1.3; margin: 0 0 2px; }
h4 { font-size: 13.5px; margin: 0 0 2px; font-weight: 650; }
p { margin: 0; }
.about, .note { color: var(--soft); } .note { font-size: 12.5px; }
.controls { display: flex; flex-wrap: wrap; gap: 6px 18px; margin: 10px 0 4px; align-items: end; }
.control { display: flex; flex-direction: column; gap: 2px; min-width: 0; } .control.wide { flex: 1 1 100%; } .control.short { flex: 1 1 170px; max-width: 300px; }
label, .label { font-weight: 600; font-size: 13px; } label .said { font-weight: 400; font-variant-numeric: tabular-nums; }
input[type=range] { display: block; contain: size layout; width: 100%; margin: 4px 0 0; accent-color: var(--accent); height: 22px; cursor: pointer; }
@media (forced-colors: none) { /* our own look: the system's thumb makes Chromium sort the layers of the whole page at every move */
  input[type=range] { appearance: none; background: linear-gradient(var(--soft) 0 0) center / calc(100% - 12px) 4px no-repeat var(--bg); }
  input[type=range]::-webkit-slider-thumb { appearance: none; width: 16px; height: 16px; border-radius: 8px; background: var(--accent); }
  input[type=range]::-moz-range-thumb { width: 16px; height: 16px; border: 0; border-radius: 8px; background: var(--accent); } }
.track { position: relative; } .ends { display: flex; justify-content: space-between; gap: 12px; font-size: 12.5px; color: var(--soft); }
.ends span:last-child { text-align: right; }
.mark { position: absolute; top: -3px; transform: translateX(-50%); font-size: 11px; line-height: 1; color: var(--fg); pointer-events: none; }
select, input[type=text], button { font: inherit; text-overflow: ellipsis; font-size: 13px; color: var(--fg); background: var(--bg); border: 1px solid var(--soft);
  border-radius: 6px; padding: 4px 8px; min-height: 30px; max-width: 100%; }
button { cursor: pointer; background: var(--panel); } button[aria-pressed=true] { background: var(--accent); color: var(--bg); border-color: var(--accent); }
button:disabled { opacity: .5; cursor: default; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.controls, .say, .panel { isolation: isolate; background: var(--bg); } /* what changes is painted in a box of its own that stays: see "fast" below */
.value { display: inline-block; min-width: 3.4em; background: var(--bg); font-weight: 700; font-variant-numeric: tabular-nums; } .value:empty { display: none; }
.say { min-height: 3.1em; margin: 6px 0 8px; padding: 7px 10px; background: var(--panel); border-left: 4px solid var(--accent); border-radius: 4px; }
.goals { list-style: none; margin: 6px 0 0; padding: 0; } .goals li { padding: 4px 10px; border: 1px dashed var(--soft); border-radius: 4px; margin-top: 4px; } .goals .done { border-style: solid; border-color: var(--accent); }
.root[data-lit=task] [data-task]:not(.on), .root[data-lit=word] [data-word]:not(.on) { stroke-opacity: .2; fill-opacity: .25; } .root[data-lit] [data-task]:not(.on, [aria-pressed=true]), .root[data-lit=word] [data-word]:not(.on) { color: var(--soft); }
.root[data-lit] .on { font-weight: 700; }
.legend { display: flex; flex-wrap: wrap; gap: 0 14px; font-size: 12.5px; max-height: 73px; overflow-y: auto; margin-bottom: 8px; font-variant-numeric: tabular-nums; } /* four whole lines */
.legend > span, .entry { display: flex; gap: 4px; align-items: center; white-space: nowrap; max-width: 100%; } :is(.legend, .entry) bdi { overflow: hidden; text-overflow: ellipsis; } :is(.legend, .entry) :is(.sample, .value) { flex: none; } svg .tag { paint-order: stroke; stroke: var(--bg); stroke-width: 3px; }
.scroll { overflow-x: auto; } .tall { max-height: var(--rows, 196px); overflow-y: auto; } .low { max-height: 200px; overflow-y: auto; } .tables.many { max-height: 146px; overflow-y: auto; } .many .tall { max-height: none; } .rows { position: relative; max-height: var(--rows, 200px); overflow-y: auto; }  .medium .rows { max-height: 174px; } .rows:has(.turned) { max-height: none; } :is(.tall, .rows, .tables.many > *) thead th { position: sticky; top: 0; background: var(--bg); z-index: 1; }
.strip { width: 100%; table-layout: fixed; --bar: rgba(var(--plus), .25); } .strip :is(th, td) { padding: 2px 3px; } .strip td, .strip thead th { text-align: center; } .strip :is(th, td):first-child { text-align: left; position: sticky; left: 0; background-color: var(--bg); }
.strip td b { display: block; line-height: 1.25; font-weight: 400; } .strip small { display: block; font-size: 10.5px; line-height: 1.2; color: var(--fg); white-space: nowrap; } .strip .best b, .strip th.best { font-weight: 700; }
.sides { display: grid; grid-template-columns: minmax(180px, 270px) minmax(0, 1fr); gap: 6px 16px; margin-top: 6px; } :is(.narrow, .medium) .sides { grid-template-columns: minmax(0, 1fr); }
.readers { display: grid; grid-template-columns: minmax(0, 1fr); gap: 3px; align-content: start; max-height: 200px; overflow-y: auto; } .medium :is(.wrap, .tables) :is(th, td) { padding: 2px 3px; min-width: 0 !important; } .medium .tables table { font-size: 11.5px; } .medium .panel .field > .label { display: none; } .medium .legend { max-height: 55px; } .medium .readers { grid-template-columns: repeat(auto-fill, minmax(172px, 1fr)); max-height: 87px; } .readers button { display: flex; gap: 4px 6px; justify-content: space-between; text-align: start; padding: 2px 6px; min-height: 26px; } .readers button { white-space: nowrap; } .readers button > bdi { flex: 0 1 auto; text-align: left; } .readers b { display: flex; gap: 4px; min-width: 0; margin-inline-start: auto; font-variant-numeric: tabular-nums; } .readers bdi { overflow: hidden; text-overflow: ellipsis; min-width: 0; }
svg .ghost { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 4 3; } svg .pin { stroke: var(--soft); stroke-width: 3; }
td.filled { outline: 2px solid var(--accent); outline-offset: -2px; font-weight: 700; }
:is(.failed, .waiting) :is(.picture, .picture *, .layer) { visibility: hidden; }
.heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.panels { display: grid; grid-template-columns: var(--columns, repeat(2, minmax(0, 1fr))); gap: 12px 20px; } .panel { min-width: 0; } .panel.full { grid-column: 1 / -1; }
.narrow .control.short { max-width: none; } .narrow .strip :is(th, td) { padding: 2px 1px; } .narrow .strip small { font-size: 10px; } .narrow :is(th, td) { padding: 2px 4px; min-width: 0 !important; } .narrow .wrap td { white-space: normal; } .narrow .wrap table { font-size: 11.5px; } .narrow .wrap :is(th, td) { padding: 2px 0 2px 7px; } .narrow .wrap :is(th, td):first-child { padding-left: 0; } .narrow .panels { grid-template-columns: minmax(0, 1fr); }
svg { display: block; width: 100%; overflow: visible; } .sample { width: 26px; height: 14px; display: inline-block; vertical-align: -2px; } svg text { fill: var(--fg); font-size: 12px; } svg .soft { fill: var(--soft); }
.track, .layer, .still { background: var(--bg); }
.scroll, .scroll.layer { background: linear-gradient(to right, var(--bg) 40%, transparent) left / 36px 100% no-repeat local, linear-gradient(to left, var(--bg) 40%, transparent) right / 36px 100% no-repeat local,
  linear-gradient(to right, var(--shade), transparent) left / 14px 100% no-repeat scroll, linear-gradient(to left, var(--shade), transparent) right / 14px 100% no-repeat scroll, var(--bg); } /* shade where more is to come */
 .picture { position: relative; } .moving { position: absolute; inset: 0; pointer-events: none; }
.root:is(:hover, :focus-within) :is(.track, .say, .layer, .still, .moving) { will-change: transform; } /* the hand is here */
svg .grid { fill: none; stroke: var(--grid); } svg .axis { stroke: var(--line); } svg .cursor { stroke: var(--fg); stroke-width: 1.5; } svg .best { stroke: var(--soft); stroke-dasharray: 2 3; }
.graph { user-select: none; } .box { cursor: grab; touch-action: none; } .box rect { fill: var(--panel); stroke: var(--fg); } .box:hover rect, .box.held rect, svg .drawn { stroke: var(--accent); stroke-width: 2.5; }
.graph .whole { fill: var(--shared); fill-opacity: .12; stroke: var(--shared); } .common { fill: none; stroke: var(--shared); stroke-opacity: .3; } .edge { cursor: pointer; } .edge:hover .seen { stroke-opacity: .55; } .graph .drawn { pointer-events: none; }
.tools { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 10px; align-items: center; }
.more { margin-top: 8px; overflow-x: auto; max-height: 320px; overflow-y: auto; } [hidden] { display: none !important; }
table { border-collapse: collapse; font-size: 12.5px; font-variant-numeric: tabular-nums; } th, td { padding: 2px 7px; white-space: nowrap; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } .cut { max-width: 9.5em; overflow: hidden; text-overflow: ellipsis; } th { font-weight: 650; }
pre { margin: 0; padding: 8px 10px; background: var(--panel); border-radius: 4px; font: 12.5px/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-x: auto; user-select: all; }
.error { color: var(--warn); border: 1px solid var(--warn); border-radius: 4px; padding: 6px 10px; margin: 6px 0; white-space: pre-wrap; }
`;
