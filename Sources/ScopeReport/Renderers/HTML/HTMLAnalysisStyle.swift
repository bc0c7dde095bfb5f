/// The part of the style sheet that the pictures and the table of the analysis need.
enum HTMLAnalysisStyle {
  static let css = """
    .charts{grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr))}
    .charts .wide{grid-column:1/-1}
    .charts .bars li{grid-template-columns:minmax(0,2fr) minmax(2.5rem,1fr) 8.6rem;gap:.8rem}
    figure svg.long{max-width:none}
    svg text.strong{fill:var(--ink);font-weight:600}
    h4{font-size:.9375rem;margin:1.2rem 0 .4rem}
    ul.plain{margin:0 0 1.2rem;padding-left:1.2rem;color:var(--soft);max-width:50rem}ul.plain li{margin:.25rem 0}
    .note{font-size:.8125rem;color:var(--muted);margin:.7rem 0 0;max-width:none}
    button,input[type=search]{font:inherit;font-size:.875rem;color:var(--ink);background:var(--card);border:1px solid var(--muted);
    border-radius:8px;padding:.35rem .7rem;min-height:2.1rem}
    button{cursor:pointer}button:hover{background:var(--code)}button:disabled{color:var(--muted);border-color:var(--line);cursor:default}
    .tools{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center}.tools[hidden]{display:none}
    .treemap{border:0;margin:0;padding:0;min-width:0;display:flex;flex-wrap:wrap;gap:.4rem 0;align-items:center}
    .treemap legend{float:left;padding:0;margin-right:.9rem;font-size:.875rem;color:var(--muted);line-height:2.1rem}
    .treemap input{position:absolute;opacity:0}
    .treemap label{font-size:.875rem;padding:.3rem .8rem;border:1px solid var(--muted);cursor:pointer;margin-left:-1px}
    .treemap label:first-of-type{border-radius:8px 0 0 8px}.treemap label:last-of-type{border-radius:0 8px 8px 0}
    .treemap input:checked+label{background:var(--accent);border-color:var(--accent);color:var(--card);font-weight:600}
    .treemap input:focus-visible+label{outline:2px solid var(--accent);outline-offset:2px}
    .map{display:none;flex:0 0 100%;margin-top:.4rem}.map:only-of-type{display:block}
    #treemap-parameters:checked~.map-parameters,#treemap-time:checked~.map-time,#treemap-macs:checked~.map-macs{display:block}
    .map svg text{fill:var(--ink)}
    .t1{fill:color-mix(in srgb,var(--s1) 24%,var(--card))}.t2{fill:color-mix(in srgb,var(--s2) 24%,var(--card))}
    .t3{fill:color-mix(in srgb,var(--s3) 24%,var(--card))}.t4{fill:color-mix(in srgb,var(--s4) 24%,var(--card))}
    .map g:hover rect{stroke:var(--ink);stroke-width:1.5}
    .dot .tip{display:none;paint-order:stroke;stroke:var(--card);stroke-width:5px;stroke-linejoin:round}
    .dot:hover .tip,.dot:focus .tip{display:inline}.dot:hover>:nth-child(2),.dot:focus>:nth-child(2){stroke:var(--ink);stroke-width:2}
    .dot:focus{outline:none}
    .layers{margin:0 0 1.2rem}.layers .tools{padding:1rem 1.4rem .2rem}.layers input{flex:1 1 12rem;max-width:26rem}
    .layers label,.layers [role=status]{font-size:.875rem;color:var(--muted)}
    .layers .scroll{max-height:34rem;overflow:auto;margin:0;border-radius:14px}
    .layers thead th{position:sticky;top:0;background:var(--card);z-index:1;box-shadow:inset 0 -1px var(--line)}
    .layers td,.layers tbody th{padding-top:.38rem;padding-bottom:.38rem;overflow-wrap:anywhere}.layers td:not(.r){min-width:6.5rem}
    .layers tbody th{min-width:10rem;font-weight:500}.layers td.na{color:var(--muted)}
    .layers thead button{border:0;background:none;padding:0;min-height:1.6rem;color:var(--muted);font-size:.8125rem;white-space:nowrap}
    .layers thead button:hover{color:var(--accent)}
    .layers thead span::after{content:"\\2002"}.layers [aria-sort=ascending] span::after{content:" ▲"}
    .layers [aria-sort=descending] span::after{content:" ▼"}.layers th[aria-sort] button{color:var(--ink);font-weight:620}
    .graph .tools{justify-content:space-between;margin-bottom:.8rem}.graph .keys{display:flex;gap:.4rem}
    .graph nav{position:static;background:none;border:0;-webkit-backdrop-filter:none;backdrop-filter:none}
    .graph ol{display:flex;flex-wrap:wrap;list-style:none;margin:0;padding:0;gap:.2rem 0;align-items:center}
    .graph ol button{border:0;background:none;padding:.2rem .35rem;color:var(--accent);min-height:1.7rem}
    .graph ol [aria-current]{color:var(--ink);font-weight:620}
    .graph li+li::before{content:"›";color:var(--muted)}
    #graph-picture{overflow-x:auto}#graph-picture svg{max-width:100%;margin:0 auto}
    #graph-picture.live{overflow:hidden;border:1px solid var(--line);border-radius:10px;background:var(--bg)}
    #graph-picture.live svg{width:100%;max-width:none;height:min(38rem,78vh);overflow:hidden;cursor:grab;touch-action:pan-y}
    #graph-picture.live svg:active{cursor:grabbing}
    .box{fill:var(--card);stroke:var(--muted)}.back{fill:var(--card);stroke:var(--muted)}
    .module .box{stroke:var(--accent);stroke-width:1.5}.module .back{stroke:var(--accent)}.outside .box{stroke-dasharray:4 3;fill:none}
    .share{fill:var(--s2)}
    #graph-picture text{pointer-events:none;font-size:12px}#graph-picture .name{fill:var(--ink);font-size:13px;font-weight:600}
    #graph-picture g[role=button]{cursor:pointer}
    #graph-picture g:hover .box,#graph-picture g:focus .box{stroke:var(--ink);stroke-width:2.5}#graph-picture g:focus{outline:none}
    .edge{fill:none;stroke:var(--muted);stroke-opacity:.55;stroke-width:1.4}.edge.up{stroke-dasharray:5 4}
    .edge.on{stroke:var(--s2);stroke-opacity:1;stroke-width:2.4}
    @media (max-width:52rem){.layers .tools{padding-left:1.15rem;padding-right:1.15rem}
    figure.wide{overflow-x:auto}figure svg.long{width:56rem}figure svg.long text{font-size:13px}
    .charts .bars li{grid-template-columns:minmax(0,1fr) auto;gap:.15rem .8rem}.treemap .map{overflow-x:auto}
    #graph-picture.live svg{height:26rem}}
    @media print{.layers .scroll{max-height:none}.layers tbody tr:nth-child(n+80){display:none}.tools,.treemap input,.treemap label,
    #graph-help{display:none!important}}
    """
}
