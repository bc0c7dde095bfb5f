/// The style sheet of `report.html`: system fonts, light and dark, phone to desktop, print.
///
/// Contrast of text on its background is at least 4.5 : 1 in both schemes (WCAG 2.2 AA).
enum HTMLStyle {
  static let css = """
    :root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#14171c;--soft:#3d444f;--muted:#5a6370;--line:#e3e6eb;
    --track:#e9ecf1;--accent:#3451c6;--good:#12703f;--fair:#8a5700;--bad:#b3261e;--good-bg:#e6f4ec;--fair-bg:#fcf2df;
    --bad-bg:#fdebe9;--s1:#3451c6;--s2:#c2410c;--s3:#0f766e;--s4:#8b3fb5;--code:#f1f3f6;
    --sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans","Liberation Sans",Arial,sans-serif;
    --mono:ui-monospace,SFMono-Regular,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace}
    @media (prefers-color-scheme:dark){:root{--bg:#0d1014;--card:#151a20;--ink:#eceff3;--soft:#c5ccd6;--muted:#98a2b0;
    --line:#262d36;--track:#252c36;--accent:#8ea6ff;--good:#5fcf97;--fair:#e5b454;--bad:#ff8a80;--good-bg:#12291d;
    --fair-bg:#2c2312;--bad-bg:#331917;--s1:#8ea6ff;--s2:#ff9d66;--s3:#4fd1c0;--s4:#d29bf0;--code:#1d232b}}
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%;scroll-behavior:smooth;scroll-padding-top:4.2rem}
    @media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
    body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 var(--sans);overflow-wrap:anywhere}
    a{color:var(--accent)}
    :focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
    .skip{position:absolute;left:-999rem;top:.5rem;background:var(--card);padding:.5rem 1rem;z-index:3}
    .skip:focus{left:.5rem}
    .wrap{max-width:66rem;margin:0 auto;padding:0 1.5rem}
    header.wrap{padding-top:2.25rem;padding-bottom:1.75rem}
    .brand{display:flex;justify-content:space-between;gap:1rem;font-size:.8125rem;color:var(--muted);margin:0 0 1.75rem}
    .brand b{color:var(--ink);font-weight:650;letter-spacing:-.005em}
    h1{font-size:clamp(1.9rem,5.2vw,2.9rem);line-height:1.08;letter-spacing:-.028em;font-weight:700;margin:0 0 .6rem}
    .meta{color:var(--muted);font-size:.875rem;margin:0;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem}
    .verdict{margin:1.75rem 0 0;background:var(--card);border:1px solid var(--line);border-radius:16px;overflow:hidden}
    .verdict .say{padding:1.5rem 1.75rem 1.4rem;border-left:5px solid var(--tone)}
    .verdict .say p{margin:.5rem 0 0;color:var(--soft);max-width:62em}
    .verdict h2{margin:0;font-size:clamp(1.2rem,2.9vw,1.5rem);line-height:1.25;letter-spacing:-.017em;color:var(--tone)}
    .good{--tone:var(--good);--wash:var(--good-bg)}.fair{--tone:var(--fair);--wash:var(--fair-bg)}
    .bad{--tone:var(--bad);--wash:var(--bad-bg)}.none{--tone:var(--muted);--wash:var(--code)}
    .gauges{display:grid;grid-template-columns:repeat(5,1fr);gap:1px;background:var(--line);border-top:1px solid var(--line);
    margin:0;padding:0;list-style:none}
    .gauges li{background:var(--card)}
    .gauges svg{width:88px;height:88px;display:block;margin-bottom:.75rem}
    .gauges .v{font-size:1.25rem;font-weight:680;letter-spacing:-.02em;line-height:1.2;font-variant-numeric:tabular-nums}
    .gauges .t{font-size:.8125rem;color:var(--muted);order:-1;margin-bottom:.6rem}
    .gauges .d{font-size:.8125rem;color:var(--muted);line-height:1.35;margin-top:.2rem}
    nav{position:sticky;top:0;z-index:2;background:color-mix(in srgb,var(--bg) 88%,transparent);
    -webkit-backdrop-filter:blur(10px);backdrop-filter:blur(10px);border-bottom:1px solid var(--line)}
    nav ul{display:flex;gap:1.35rem;list-style:none;margin:0 auto;max-width:66rem;padding:0 1.5rem;overflow-x:auto;
    scrollbar-width:none}
    nav ul::-webkit-scrollbar{display:none}
    nav a{display:block;padding:.8rem 0;font-size:.875rem;color:var(--soft);text-decoration:none;white-space:nowrap}
    nav a:hover{color:var(--accent)}
    main section{padding:2.6rem 0 .4rem}
    main h2{font-size:1.45rem;letter-spacing:-.02em;line-height:1.2;margin:0 0 1.1rem;display:flex;gap:.7rem;align-items:baseline}
    main h2 .n{color:var(--muted);font-weight:500;font-variant-numeric:tabular-nums;font-size:1.05rem}
    h3{font-size:1.0625rem;letter-spacing:-.008em;margin:1.9rem 0 .5rem}
    main p{margin:0 0 .9rem;color:var(--soft);max-width:46rem}
    main p.lead{font-size:1.125rem;font-weight:620;letter-spacing:-.008em;line-height:1.45;color:var(--ink);max-width:none;
    font-variant-numeric:tabular-nums}
    .card{background:var(--card);border:1px solid var(--line);border-radius:14px}
    .metrics{margin:0 0 1.2rem}
    .metrics>div{display:grid;grid-template-columns:minmax(9.5rem,1fr) minmax(0,1.75fr) minmax(0,2.5fr);gap:.2rem 1.75rem;
    padding:.95rem 1.4rem;border-top:1px solid var(--line)}
    .metrics>div:first-child{border-top:0}
    .metrics dt{color:var(--muted);font-size:.9375rem}
    .metrics dd{margin:0}
    .metrics .v{font-weight:640;letter-spacing:-.01em;font-variant-numeric:tabular-nums}
    .metrics .many{font-weight:460;font-size:.9375rem;letter-spacing:0}
    .metrics .na{font-weight:400;color:var(--muted)}
    .metrics .d{display:block;font-weight:400;font-size:.8125rem;letter-spacing:0;color:var(--muted);margin-top:.15rem;line-height:1.45}
    .metrics .i{color:var(--soft);font-size:.9375rem}
    .metrics.plain>div{grid-template-columns:minmax(9.5rem,1fr) minmax(0,4.35fr)}
    .scroll{overflow-x:auto;margin:0 0 1.2rem}
    table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}
    caption{text-align:left;color:var(--muted);font-size:.8125rem;padding:.9rem 1.4rem .45rem}
    th,td{padding:.55rem .7rem;text-align:left;vertical-align:top;border-top:1px solid var(--line);overflow-wrap:normal}
    th:first-child,td:first-child{padding-left:1.4rem}th:last-child,td:last-child{padding-right:1.4rem}
    thead th{color:var(--muted);font-weight:500;font-size:.8125rem;border-top:0;white-space:nowrap}
    tbody th{font-weight:560;max-width:19rem;min-width:6.5rem;overflow-wrap:anywhere}
    .wide tbody th{min-width:11rem}
    .r{text-align:right}td.r{white-space:nowrap}
    td.long{min-width:13rem;color:var(--soft)}
    tr.chosen{background:var(--good-bg)}tr.chosen td,tr.chosen th{color:var(--ink);font-weight:620}
    details{margin:0 0 1.2rem}summary{cursor:pointer;color:var(--accent);font-size:.875rem;padding:.2rem 0;width:fit-content}
    details[open] summary{margin-bottom:.7rem}
    .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,25rem),1fr));gap:1rem;margin:0 0 1.2rem}
    figure{margin:0;padding:1.2rem 1.4rem 1.3rem}
    figcaption{font-size:.875rem;font-weight:600;margin-bottom:.85rem}
    figure svg{display:block;width:100%;max-width:46rem;height:auto;overflow:visible}
    svg text{font-family:var(--sans);fill:var(--muted);font-size:13px}
    .legend{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;margin:.8rem 0 0;padding:0;font-size:.8125rem;color:var(--soft)}
    .legend li{display:flex;align-items:center;gap:.45rem}.legend svg{width:26px;height:14px}
    .bars{list-style:none;margin:0;padding:0;display:grid;gap:.5rem}
    .bars li{display:grid;grid-template-columns:minmax(0,15rem) 1fr 9.5rem;gap:1rem;align-items:center;font-size:.875rem}
    .bars .l{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
    .bars .k{color:var(--muted);font-size:.8125rem;margin-left:.4rem}
    .bars .x{text-align:right;color:var(--soft);font-variant-numeric:tabular-nums;white-space:nowrap}
    .bars svg{height:10px;width:100%}
    .pill{display:inline-block;font-size:.75rem;font-weight:620;padding:.12rem .6rem;border-radius:99px;color:var(--tone);
    background:var(--wash);white-space:nowrap}
    .finding{padding:1.15rem 1.4rem;margin:0 0 .8rem}
    .finding h3,.rec h3{margin:0;display:flex;flex-wrap:wrap;gap:.35rem .7rem;align-items:baseline}
    .finding .id{font:.8125rem var(--mono);color:var(--muted)}
    .facts{margin:.75rem 0 0;display:grid;grid-template-columns:8.5rem minmax(0,1fr);gap:.4rem 1rem;font-size:.9375rem}
    .facts dt{color:var(--muted)}.facts dd{margin:0;color:var(--soft)}
    .notes{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,23rem),1fr));gap:1rem;margin:0 0 1.2rem}
    .notes>div{padding:1.2rem 1.4rem}
    .notes h3{margin:0 0 .4rem}.notes p{margin:0;font-size:.9375rem}
    .recs{list-style:none;padding:0;margin:0;counter-reset:rec}
    .rec{padding:1.25rem 1.4rem 1.3rem 4rem;margin:0 0 .8rem;position:relative;counter-increment:rec}
    .rec::before{content:counter(rec);position:absolute;left:1.4rem;top:1.2rem;width:1.75rem;height:1.75rem;border-radius:50%;
    background:var(--code);color:var(--soft);font-size:.875rem;font-weight:620;display:grid;place-items:center}
    .rec p{margin:.4rem 0 .3rem}
    .rec .why{color:var(--muted);font-size:.875rem}
    code{font:.8125rem/1.5 var(--mono)}
    pre{margin:.65rem 0 0;padding:.65rem .9rem;background:var(--code);border-radius:8px;overflow-x:auto;white-space:pre-wrap;
    overflow-wrap:anywhere}
    .strip{display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));gap:1rem;list-style:none;margin:0 0 1.2rem;padding:0}
    .strip li{padding:1rem}
    .pair{display:grid;grid-template-columns:1fr 1fr;gap:.75rem}
    .pair img{width:100%;aspect-ratio:1;object-fit:cover;border-radius:8px;display:block;background:var(--track)}
    .pair img.tiny{image-rendering:pixelated}
    .pair span{display:block;font-size:.8125rem;line-height:1.35;margin-top:.45rem}
    .pair .w{color:var(--muted)}.pair b{font-weight:620;display:block}
    .pair .ok b{color:var(--good)}.pair .no b{color:var(--bad)}
    .strip .cap{font-size:.8125rem;color:var(--muted);margin:.7rem 0 0}
    .end{padding:1.5rem 1.75rem;border-left:5px solid var(--tone)}
    .end h3{margin:0 0 .4rem;color:var(--tone);font-size:1.2rem}.end p{margin:0}
    footer{color:var(--muted);font-size:.8125rem;padding-top:2.25rem;padding-bottom:3.5rem;line-height:1.5}
    @media (max-width:52rem){
    .wrap,nav ul{padding-left:1rem;padding-right:1rem}
    header.wrap{padding-top:1.25rem;padding-bottom:1.25rem}
    .gauges{grid-template-columns:1fr}
    .gauges svg{width:52px;height:52px;margin:0;grid-row:1/3;grid-column:1}
    .gauges .t{order:0;margin:0;grid-column:2;grid-row:1;align-self:end}
    .gauges .d{grid-column:2;grid-row:2;margin:0;align-self:start;color:var(--soft)}
    .gauges .v{grid-column:3;grid-row:1/3;font-size:1.2rem}
    .verdict .say{padding:1.15rem 1.15rem 1.1rem}
    .metrics>div,.metrics.plain>div{grid-template-columns:1fr;padding:.9rem 1.15rem;gap:.15rem}
    .metrics dt{font-size:.8125rem}.metrics .v{font-size:1.0625rem}.metrics .i{margin-top:.2rem}
    figure{padding:1.05rem 1.15rem}
    .bars li{grid-template-columns:minmax(0,1fr) auto;gap:.15rem .8rem}
    .bars svg{grid-column:1/3;grid-row:2}
    .facts{grid-template-columns:1fr;gap:.1rem}.facts dd{margin-bottom:.5rem}
    .rec{padding:1.1rem 1.15rem 1.15rem}.rec::before{position:static;margin-bottom:.5rem}
    th:first-child,td:first-child{padding-left:1.15rem}caption{padding-left:1.15rem}
    figure svg text{font-size:15px}
    td.long{min-width:11rem}
    }
    @media print{:root{--bg:#fff;--card:#fff;--ink:#000;--soft:#222;--muted:#444;--line:#ccc;--track:#e5e5e5;--accent:#1f3a93;
    --good:#0d5c33;--fair:#6f4600;--bad:#8f1d16;--good-bg:#eef7f1;--fair-bg:#fff;--bad-bg:#fff;--code:#f3f3f3;--s1:#1f3a93;
    --s2:#a8380a;--s3:#0b5f58;--s4:#6f2f92}
    body{font-size:10.5pt}nav,.skip{display:none}.wrap{max-width:none;padding:0}header.wrap{padding-top:0}main section{padding-top:1.4rem}
    .card,.finding,.rec,tr,figure,.metrics>div{break-inside:avoid}h2,h3{break-after:avoid}.scroll{overflow:visible}
    *{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
    """
}
