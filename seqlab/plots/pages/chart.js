"use strict";
// Draws each chart of the page with uPlot: hover, finger and arrow keys read its values; light, dark and paper.
(() => {
  const root = document.documentElement;
  const colour = name => getComputedStyle(root).getPropertyValue("--" + name).trim();
  const tinted = (name, opacity) => colour(name) + Math.round(255 * opacity).toString(16).padStart(2, "0");
  const font = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
  const plots = [];
  const DATES = [ // from so many seconds between ticks on: how each is told, and the first, or the first of a year or day
    [31536000, "{YYYY}"], [2419200, "{MMM}", "\n{YYYY}"], [86400, "{D} {MMM}", "\n{YYYY}"],
    [60, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}"], [0.001, "{HH}:{mm}:{ss}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}"],
  ].map(row => [...row, ...Array(8 - row.length).fill(null), 1]);

  function ticks(plot, values, axis, cycle) { // as wide as its numbers
    if (cycle > 1) return plot.axes[axis]._size;
    if (!values) return 40;
    plot.ctx.font = font;
    const widest = Math.max(0, ...values.map(value => plot.ctx.measureText(value).width));
    return Math.ceil(widest / devicePixelRatio * devicePixelRatio) + 14;
  }

  function draw(figure) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const place = figure.querySelector(".plot"), readout = figure.querySelector(".readout");
    const {decimals, suffix, labels, unit} = data;
    const number = value => value.toLocaleString("en-US",
      {minimumFractionDigits: decimals, maximumFractionDigits: decimals}) + suffix;
    const short = value => value.toLocaleString("en-US", {maximumFractionDigits: 10}) + suffix;
    const at = i => labels ? labels[i] : unit
      ? new Date(data.x[i] * unit * 1000).toISOString().slice(0, data.dateLength).replace("T", " ")
      : (data.xName + " " + data.x[i].toLocaleString("en-US")).trim();

    const whole = one => { // with the places before and behind, which have no value and were left out
      const all = Array(data.x.length).fill(null);
      one.y.forEach((value, i) => { all[one.from + i] = value; });
      return all;
    };
    for (const line of data.lines) line.y = whole(line);
    for (const band of data.bands) [band.low, band.high] = [whole(band.low), whole(band.high)];
    const values = [data.x.map(x => unit ? x * unit : x)], series = [{}], bands = [];
    for (const band of data.bands) {
      if (band.opacity) bands.push({series: [values.length + 1, values.length], fill: () => tinted(band.colour, band.opacity)});
      const edge = band.opacity ? {stroke: "transparent", width: 0}
        : {stroke: () => colour(band.colour), width: 1.5, dash: [7, 5], auto: false}; // the axis need not hold all of it
      for (const side of [band.low, band.high]) {
        values.push(side);
        series.push({...edge, points: {show: false}});
      }
    }
    for (const line of data.lines) {
      values.push(line.y);
      series.push({
        stroke: () => colour(line.colour), width: data.bars ? 0 : line.width, dash: line.dash,
        fill: data.bars ? () => colour(line.colour) : undefined, spanGaps: !!line.joined, points: {show: false},
        paths: data.bars ? uPlot.paths.bars({size: [0.86, Infinity]}) : undefined,
      });
    }

    function tell(i) {
      const parts = [], add = (name, told) => {
        const part = document.createElement("span"), value = document.createElement("b");
        value.textContent = told;
        part.append(name ? name + " " : "", value);
        parts.push(part);
      };
      add("", at(i));
      for (const line of data.lines) if (line.y[i] != null) add(line.name, number(line.y[i]));
      for (const band of data.bands)
        if (band.low[i] != null) add(band.name, number(band.low[i]) + " to " + number(band.high[i]));
      readout.replaceChildren(...parts);
    }

    function rest() { // what is told while nothing is pointed at; other places are told in no more room
      if (data.bars) return readout.replaceChildren();
      readout.style.minHeight = "";
      tell(last);
      readout.style.minHeight = readout.offsetHeight + "px";
    }

    const dated = labels && !data.bars; // times that are no even steps, 2024-01-06 12:00
    const under = label => dated ? label.slice(5).split(" ").reverse().join("\n")
      : label.length > 10 ? label.slice(0, 9) + "…" : label;
    const last = data.x.length - 1, axis = {font, stroke: () => colour("grey"), ticks: {show: false}};
    const grid = {stroke: () => colour("line"), width: 1};
    const plot = new uPlot({
      width: place.clientWidth, height: place.clientHeight, series, bands,
      legend: {show: false}, padding: [10, 24, 0, 0],
      tzDate: seconds => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      scales: {
        x: {time: !!unit, range: data.bars ? (u, low, high) => { // half a bar beside the first and the last
          const half = (high - low) / (2 * Math.max(1, last));
          return [low - half, high + half];
        } : undefined},
        y: data.fromZero ? {range: (u, low, high) => [0, 1.08 * high || 1]} : {},
      },
      axes: [
        {...axis, grid: {show: false}, space: 64, size: unit || dated ? 46 : 32, values: labels
          ? (u, at) => at.map(x => Number.isInteger(x) && labels[x] ? under(labels[x]) : "")
          : unit ? DATES : (u, at) => at.map(x => x.toLocaleString("en-US"))},
        {...axis, grid, size: ticks, gap: 8, values: (u, at) => at.map(short)},
      ],
      cursor: {
        y: false, drag: {x: !data.bars, y: false},
        points: {size: (u, i) => i > 2 * data.bands.length && !data.bars ? 8 : 0,
          width: (u, i, size) => size ? 2 : 0,
          fill: () => colour("paper"), stroke: (u, i) => colour(data.lines[Math.max(0, i - 1 - 2 * data.bands.length)].colour)},
      },
      hooks: {setCursor: [u => u.cursor.idx == null ? rest() : tell(u.cursor.idx)]},
    }, values, place);
    rest();

    const go = i => plot.setCursor({left: plot.valToPos(values[0][Math.min(last, Math.max(0, i))], "x"), top: 0});
    place.addEventListener("keydown", event => {
      const now = plot.cursor.idx ?? last, steps = {ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last};
      if (event.key in steps) { go(steps[event.key]); event.preventDefault(); }
    });
    plot.over.addEventListener("pointermove", event => {
      if (event.pointerType !== "mouse")
        plot.setCursor({left: event.clientX - plot.over.getBoundingClientRect().left, top: 0});
    });
    new ResizeObserver(() => {
      if (place.clientWidth && place.clientWidth !== plot.width && !root.classList.contains("on-paper"))
        { plot.setSize({width: place.clientWidth, height: place.clientHeight}); rest(); }
    }).observe(place);
    plots.push(plot);
  }

  const again = () => plots.forEach(plot => plot.redraw(false, true));
  for (const script of document.querySelectorAll('figure > script[type="application/json"]')) draw(script.parentElement);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  const opened = [];
  addEventListener("beforeprint", () => {
    root.classList.add("on-paper");
    for (const one of document.querySelectorAll("details:not([open])")) { one.open = true; opened.push(one); }
    for (const plot of plots) plot.setSize({width: Math.min(plot.width, 640), height: plot.height});
    again();
  });
  addEventListener("afterprint", () => {
    root.classList.remove("on-paper");
    for (const one of opened.splice(0)) one.open = false;
    for (const plot of plots) {
      const place = plot.root.parentElement;
      plot.setSize({width: place.clientWidth, height: place.clientHeight});
    }
    again();
  });
})();
