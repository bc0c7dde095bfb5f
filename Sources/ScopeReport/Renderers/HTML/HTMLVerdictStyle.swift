/// Style of the top of the page.
enum HTMLVerdictStyle {
  static let css = """
    .gauges{grid-auto-flow:dense}
    .gauges:has(details[open]){grid-template-columns:repeat(4,1fr)}
    .gauges li:has(details[open]){grid-column:1/-1}
    .gauges details{margin:0;height:100%}
    .gauges summary{display:flex;flex-direction:column;align-items:center;height:100%;width:auto;padding:1.35rem .75rem 1.25rem;
    text-align:center;color:inherit;font-size:1rem;list-style:none;cursor:pointer}
    .gauges summary::-webkit-details-marker{display:none}
    .gauges summary:hover{background:var(--code)}
    .gauges .d::after{content:" ▾";color:var(--muted)}.gauges details[open] .d::after{content:" ▴"}
    .gauges details[open]{height:auto}
    .gauges details[open] summary{display:grid;grid-template-columns:52px auto minmax(0,1fr);gap:0 1rem;text-align:left;height:auto;
    margin:0;padding:1rem 1.75rem;align-items:center}
    .gauges details[open] summary svg{width:52px;height:52px;margin:0;grid-row:1/3}
    .gauges details[open] .t{order:0;margin:0;align-self:end;grid-column:2;grid-row:1}
    .gauges details[open] .v{grid-column:2;grid-row:2;align-self:start}
    .gauges details[open] .d{grid-column:3;grid-row:1/3;margin:0}
    .panel{padding:0 1.75rem 1.2rem}.panel p{margin:0 0 .9rem;color:var(--soft);font-size:.9375rem;max-width:52rem}
    .panel .card{border-radius:10px}
    .delta{padding:1.2rem 1.75rem 1.3rem;border-top:1px solid var(--line)}
    .delta.first{border-top:0;border-bottom:1px solid var(--line);padding-top:1.5rem}
    .delta h3{margin:0 0 .7rem;font-size:.8125rem;font-weight:500;color:var(--muted);letter-spacing:0}
    .verdict .delta h2{color:var(--ink);font-size:clamp(1.3rem,3.3vw,1.85rem);font-variant-numeric:tabular-nums}
    .delta .since{margin:.35rem 0 1rem;color:var(--muted);font-size:.875rem}
    .delta dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,11.5rem),1fr));gap:.9rem 1.5rem;margin:0}
    .delta dt{font-size:.8125rem;color:var(--muted)}
    .delta dd{margin:.1rem 0 0;font-variant-numeric:tabular-nums;line-height:1.35}
    .delta .b{color:var(--soft);font-size:.875rem}.delta dd b{font-weight:650}
    .delta .c{display:block;width:fit-content;margin-top:.3rem;padding:.1rem .55rem;border-radius:99px;font-size:.8125rem;
    font-weight:620;color:var(--tone);background:var(--wash)}
    .delta .note{margin:.9rem 0 0;color:var(--muted);font-size:.8125rem}
    .todo{margin:1.75rem 0 0}.todo h2{font-size:1.15rem;letter-spacing:-.014em;margin:0 0 .8rem}
    .todo ol{list-style:none;margin:0;padding:0;counter-reset:todo;background:var(--card);border:1px solid var(--line);
    border-radius:14px;overflow:hidden}
    .todo li{counter-increment:todo}.todo li+li{border-top:1px solid var(--line)}
    .todo a{display:grid;grid-template-columns:1.75rem minmax(0,1fr) minmax(0,1fr);gap:.1rem 1rem;padding:.85rem 1.4rem;
    text-decoration:none;color:inherit;align-items:baseline}
    .todo a::before{content:counter(todo);color:var(--muted);font-variant-numeric:tabular-nums;font-size:.875rem}
    .todo a:hover{background:var(--code)}
    .todo b{font-weight:600;font-size:.9375rem;line-height:1.4}
    .todo span{color:var(--muted);font-size:.875rem;line-height:1.45;font-variant-numeric:tabular-nums}
    .passed{margin:1rem 0 0}.passed summary::before{content:"✓ ";color:var(--good);font-weight:700}
    .anchor{font-size:.8125rem;text-decoration:none;color:var(--muted)}
    @media (max-width:52rem){
    .gauges,.gauges:has(details[open]){grid-template-columns:1fr}
    .gauges summary,.gauges details[open] summary{display:grid;grid-template-columns:52px minmax(0,1fr) minmax(0,auto);
    grid-template-rows:auto auto;gap:0 1rem;text-align:left;padding:.85rem 1.15rem;align-items:center}
    .gauges .d,.gauges details[open] .d{grid-column:2;grid-row:2;align-self:start}
    .gauges .v,.gauges details[open] .v{grid-column:3;grid-row:1/3;max-width:9rem;text-align:right;align-self:center}
    .panel{padding:0 1.15rem 1rem}.delta{padding:1rem 1.15rem}
    .todo a{grid-template-columns:1.25rem minmax(0,1fr);padding:.8rem 1.15rem}.todo span{grid-column:2}
    }
    @media print{details::details-content{content-visibility:visible;block-size:auto;display:block}
    .gauges .d::after,.gauges details[open] .d::after{content:none}.anchor{display:none}
    .gauges,.gauges:has(details[open]){display:block}.gauges summary{display:grid;grid-template-columns:40px 8rem 9rem 1fr;
    gap:.8rem;text-align:left;height:auto;padding:.5rem .8rem;align-items:center}.gauges summary svg{width:36px;height:36px;margin:0}
    .gauges .t{order:0;margin:0}.gauges details{height:auto}.gauges .panel{padding:.2rem .8rem .6rem}
    th,td{padding:.3rem .5rem}.scroll,.verdict,.todo ol{overflow:visible}.pill,.delta .c{border:1px solid var(--tone)}}
    """
}
