import ScopeBytes

/// The page's only script: sorts and searches the layer table, opens modules of the graph. It reads the two data
/// elements of the page, loads nothing and writes text only as text.
///
/// The page is complete without it; what needs it is hidden until it runs.
package enum HTMLScript {
  /// For the content security policy: exactly this text may run.
  package static let hash = "sha256-" + base64(hexadecimal: ByteSlice(Array(source.utf8)).sha256)

  private static func base64(hexadecimal text: String) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    let bits = text.compactMap(\.hexDigitValue).flatMap { digit in (0..<4).map { digit >> (3 - $0) & 1 } }
    var result = stride(from: 0, to: bits.count, by: 6).map { start in
      alphabet[(start..<start + 6).reduce(0) { $0 << 1 | ($1 < bits.count ? bits[$1] : 0) }]
    }
    while result.count % 4 != 0 { result.append("=") }
    return String(result)
  }

  package static let source = #"""
    "use strict";
    (() => {
      const $ = id => document.getElementById(id);
      const data = id => $(id) && JSON.parse($(id).textContent);
      const make = (tag, attributes = {}, text) => {
        const svg = /^(svg|g|rect|path|text|title)$/.test(tag);
        const space = svg ? document.querySelector("svg").namespaceURI : document.documentElement.namespaceURI;
        const element = document.createElementNS(space, tag);
        for (const name in attributes) element.setAttribute(name, attributes[name]);
        if (text !== undefined) element.textContent = text;
        return element;
      };
      const whole = value => value.toLocaleString("en-US");
      const short = value => {
        if (value >= 100) return whole(Math.round(value));
        return value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toPrecision(3);
      };

      // The layer table.
      const layers = data("layer-data");
      if (layers) {
        const table = $("layer-table");
        const columns = [
          { title: "#", value: row => row.at, number: true },
          { title: "Layer", value: row => row.name },
          { title: "Module", value: row => row.module },
          { title: "Operator", value: row => row.op },
          { title: "Output", value: row => row.output },
          { title: "Parameters", value: row => row.parameters, number: true, show: whole },
          { title: "MACs", value: row => row.macs, number: true, show: whole, none: "not counted" },
        ];
        const numbers = new Map(layers.rows.map((row, index) => [row[0], index + 1]));
        if (layers.timed) {
          columns.push({ title: "Time (ms)", value: row => row.time, number: true, show: short,
            none: row => !row.fused ? "–" : numbers.has(row.fused) ? "with #" + numbers.get(row.fused) : "fused" });
          columns.push({ title: "Share", value: row => row.share, number: true,
            show: value => (100 * value).toFixed(1) + "%" });
        }
        const rows = layers.rows.map((row, index) => ({
          at: index + 1, name: row[0], module: layers.modules[row[1]], op: layers.operators[row[2]], output: row[3],
          parameters: row[4], macs: row[5], time: row[6], share: row[7], fused: row[8],
        }));
        for (const row of rows) row.text = [row.name, row.module, row.op, row.output].join(" ").toLowerCase();
        const head = make("tr");
        const body = make("tbody");
        let sorted = 0, falling = false;
        columns.forEach((column, index) => {
          const cell = make("th", { scope: "col", class: column.number ? "r" : "" });
          const button = make("button", { type: "button" }, column.title);
          button.append(make("span", { "aria-hidden": "true" }));
          button.onclick = () => {
            falling = sorted === index ? !falling : !!column.number && index > 0;
            sorted = index;
            fill();
          };
          cell.append(button);
          head.append(cell);
        });
        const search = $("layer-search");
        const fill = () => {
          const words = search.value.toLowerCase().split(/\s+/);
          const found = rows.filter(row => words.every(word => row.text.includes(word)));
          const { value, number } = columns[sorted];
          found.sort((one, other) => {
            const a = value(one), b = value(other);
            if (a == null || b == null) return (a == null) - (b == null) || one.at - other.at;
            const order = number ? a - b : a < b ? -1 : a > b ? 1 : 0;
            return (falling ? -order : order) || one.at - other.at;
          });
          body.replaceChildren(...found.map(row => {
            const line = make("tr");
            columns.forEach((column, index) => {
              const value = column.value(row);
              const none = typeof column.none === "function" ? column.none(row) : column.none || "–";
              const text = value == null ? none : column.show ? column.show(value) : value;
              const cell = make(index === 1 ? "th" : "td", { class: column.number ? "r" : "" }, text);
              if (index === 1) cell.setAttribute("scope", "row");
              if (value == null) cell.classList.add("na");
              line.append(cell);
            });
            return line;
          }));
          [...head.children].forEach((cell, index) => {
            if (index === sorted) cell.setAttribute("aria-sort", falling ? "descending" : "ascending");
            else cell.removeAttribute("aria-sort");
          });
          $("layer-count").textContent = found.length === rows.length
            ? whole(rows.length) + " layers" : whole(found.length) + " of " + whole(rows.length) + " layers";
        };
        table.tHead.replaceChildren(head);
        table.tBodies[0].replaceWith(body);
        table.caption.textContent = layers.caption;
        search.oninput = fill;
        $("layer-tools").hidden = false;
        fill();
      }

      // The graph: a level at a time. view is the part of the level that is seen, in its units.
      const levels = data("graph-data");
      if (levels) {
        const holder = $("graph-picture");
        const picture = make("svg", { tabindex: 0, role: "group", "aria-describedby": "graph-help" });
        let shown, view;
        const describe = ([name, , op, output, parameters, macs, time, , fused]) => [
          name + " (" + layers.operators[op] + "): output " + output, whole(parameters) + " parameters",
          macs == null ? "MACs not counted" : whole(macs) + " MACs", time == null ? "" : short(time) + " ms",
          fused ? "computed with " + fused : "",
        ].filter(part => part).join(", ");
        const look = () => picture.setAttribute("viewBox", [view.x, view.y, view.w, view.h].join(" "));
        const size = () => [picture.clientWidth || 800, picture.clientHeight || 500];
        // All of it, but not enlarged.
        const fit = () => {
          const [width, height] = size();
          const scale = Math.min(1, width / shown.w, height / shown.h);
          view = { w: width / scale, h: height / scale };
          view.x = (shown.w - view.w) / 2;
          view.y = Math.min(0, (shown.h - view.h) / 2);
          look();
        };
        // Readable size, from the top.
        const start = () => {
          const [width, height] = size();
          const scale = Math.max(0.55, Math.min(1, width / shown.w));
          view = { w: width / scale, h: height / scale, y: 0 };
          view.x = (shown.middle || shown.w / 2) - view.w / 2;
          if (shown.w < view.w) view.x = (shown.w - view.w) / 2;
          if (shown.h < view.h) view.y = (shown.h - view.h) / 2;
          look();
        };
        const zoom = (factor, px = 0.5, py = 0.5) => {
          const w = Math.min(Math.max(view.w * factor, 120), 40 * Math.max(shown.w, shown.h));
          const h = view.h * w / view.w;
          view = { x: view.x + (view.w - w) * px, y: view.y + (view.h - h) * py, w, h };
          look();
        };
        const pan = (dx, dy) => {
          view.x = Math.min(Math.max(view.x + dx * view.w, -view.w * 0.8), shown.w - view.w * 0.2);
          view.y = Math.min(Math.max(view.y + dy * view.h, -view.h * 0.8), shown.h - view.h * 0.2);
          look();
        };
        const reveal = box => {
          const [, , , x, y, w] = box;
          if (x < view.x || x + w > view.x + view.w) view.x = x + w / 2 - view.w / 2;
          if (y < view.y || y + 46 > view.y + view.h) view.y = y + 23 - view.h / 2;
          look();
        };
        const open = (index, focus, quiet) => {
          shown = levels[index];
          picture.setAttribute("aria-label", "Inside " + shown.path + ": " + shown.b.length + " boxes");
          picture.replaceChildren();
          const paths = shown.e.map(([d, from, to, up]) => {
            const path = make("path", { d, class: up ? "edge up" : "edge" });
            picture.append(path);
            return { path, from, to };
          });
          shown.b.forEach((box, at) => {
            const [kind, label, detail, x, y, w, share, level, about] = box;
            const tip = typeof about === "number" ? describe(layers.rows[about]) : about;
            const opens = level >= 0;
            const group = make("g", {
              class: ["layer", "module", "outside"][kind], transform: `translate(${x} ${y})`, tabindex: 0,
              role: opens ? "button" : "img", "aria-label": tip + (opens ? ". Opens." : ""),
            });
            group.append(make("title", {}, tip));
            if (opens) group.append(make("rect", { class: "back", x: 4, y: 4, width: w, height: 46, rx: 8 }));
            group.append(make("rect", { class: "box", width: w, height: 46, rx: 8 }));
            if (share > 0) group.append(make("rect", { class: "share", x: 8, y: 40, height: 3, rx: 1.5,
              width: Math.max(2, share * (w - 16)) }));
            group.append(make("text", { class: "name", x: w / 2, y: 18, "text-anchor": "middle" }, label));
            group.append(make("text", { x: w / 2, y: 34, "text-anchor": "middle" }, detail));
            const mark = on => paths.forEach(({ path, from, to }) =>
              path.classList.toggle("on", on && (from === at || to === at)));
            group.onmouseenter = () => mark(true);
            group.onmouseleave = () => mark(false);
            group.onfocus = () => { mark(true); reveal(box); };
            group.onblur = () => mark(false);
            if (opens) {
              group.onclick = () => open(level, true);
              group.onkeydown = event => {
                if (event.key !== "Enter" && event.key !== " ") return;
                event.preventDefault();
                open(level, true);
              };
            }
            picture.append(group);
          });
          const crumbs = $("graph-path");
          crumbs.replaceChildren();
          for (let at = index; at >= 0; at = levels[at].p) {
            const item = make("li");
            const here = at === index;
            const link = make("button", here ? { type: "button", "aria-current": "page" } : { type: "button" },
              levels[at].n);
            const target = at;
            link.onclick = () => open(target, true);
            item.append(link);
            crumbs.prepend(item);
          }
          $("graph-up").disabled = shown.p < 0;
          start();
          if (focus) picture.focus({ preventScroll: true });
          if (!quiet) history.replaceState(null, "", index ? "#graph=" + encodeURIComponent(shown.path) : "#graph");
        };
        const up = () => shown.p >= 0 && open(shown.p, true);
        picture.onkeydown = event => {
          const actions = {
            "+": () => zoom(0.8), "=": () => zoom(0.8), "-": () => zoom(1.25), "0": fit, Escape: up, Backspace: up,
            ArrowLeft: () => pan(-0.15, 0), ArrowRight: () => pan(0.15, 0), ArrowUp: () => pan(0, -0.15),
            ArrowDown: () => pan(0, 0.15),
          };
          const action = !event.ctrlKey && !event.metaKey && !event.altKey && actions[event.key];
          if (!action) return;
          event.preventDefault();
          action();
        };
        picture.addEventListener("wheel", event => {
          if (!event.ctrlKey && !event.metaKey) return;
          event.preventDefault();
          const box = picture.getBoundingClientRect();
          zoom(event.deltaY < 0 ? 0.85 : 1.18, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
        }, { passive: false });
        let drag;
        picture.onpointerdown = event => { drag = { x: event.clientX, y: event.clientY, moved: false }; };
        picture.onpointermove = event => {
          if (!drag || !(event.buttons & 1)) return;
          const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
          if (!drag.moved && Math.hypot(dx, dy) < 4) return;
          if (!drag.moved) picture.setPointerCapture(event.pointerId);
          const [width, height] = size();
          pan(-dx / width, -dy / height);
          drag = { x: event.clientX, y: event.clientY, moved: true };
        };
        picture.onpointerup = picture.onpointercancel = () => { drag = undefined; };
        $("graph-in").onclick = () => zoom(0.75);
        $("graph-out").onclick = () => zoom(1.33);
        $("graph-fit").onclick = fit;
        $("graph-up").onclick = up;
        const follow = () => {
          const match = /^#graph=(.*)$/.exec(location.hash);
          if (!match) return false;
          let path = match[1];
          try { path = decodeURIComponent(path); } catch { return false; }
          const index = levels.findIndex(level => level.path === path);
          if (index >= 0) open(index, false, true);
          return index >= 0;
        };
        holder.replaceChildren(picture);
        holder.classList.add("live");
        $("graph-tools").hidden = false;
        $("graph-help").hidden = false;
        addEventListener("hashchange", follow);
        let wide = innerWidth;
        addEventListener("resize", () => {
          if (wide !== innerWidth) start();
          wide = innerWidth;
        });
        if (follow()) $("graph-tools").scrollIntoView(); else open(0, false, true);
      }
    })();
    """#
}
