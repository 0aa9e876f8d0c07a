// The script of report.html: draws the charts with Chart.js from the values in #report-data, opens
// what a link leads to, and copies commands. Everything else of the page works without it.
'use strict';
(() => {
  const report = JSON.parse(document.getElementById('report-data').textContent);

  // --- Words and numbers ------------------------------------------------------------------------

  const percent = (fraction, decimals = 2) => `${(100 * fraction).toFixed(decimals)} %`;

  // 0.0123, 12.3, 1,230: three digits, no power of ten where it is short.
  function short(number) {
    if (number < 0) return `−${short(-number)}`;
    if (number >= 1000) return Math.round(number).toLocaleString('en');
    if (number === 0 || number >= 1e-4) return String(+number.toPrecision(3));
    return number.toExponential(1);
  }

  function bytes(number) {
    for (const [size, unit] of [[1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']]) {
      if (number >= 0.9995 * size) return `${+(number / size).toPrecision(3)} ${unit}`;
    }
    return `${number} bytes`;
  }

  // Names without the words that all of them begin with, at most so many letters long.
  function shortNames(names, most = 26) {
    let start = 0;
    if (names.length > 1) {
      while (names[0][start] !== undefined && names.every((n) => n[start] === names[0][start])) ++start;
      while (start > 0 && !/[-_./ ]/.test(names[0][start - 1])) --start;
    }
    return names.map((name) => {
      const rest = name.slice(start) || name;
      return rest.length > most ? `${rest.slice(0, most - 1)}…` : rest;
    });
  }

  // --- Colours: those of the style sheet, as they are at the moment -----------------------------

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const value = (name) => style.getPropertyValue(`--${name}`).trim();
    const names = ['ink', 'soft', 'grid', 'sheet', 'paper', 'leaf', 'dense', 'warm'];
    const found = Object.fromEntries(names.map((name) => [name, value(name)]));
    found.series = (i) => value(`s${i % 7}`);
    return found;
  }
  // The colour with less of itself: `#rrggbb` and an opacity.
  const faint = (colour, opacity) =>
    colour + Math.round(255 * opacity).toString(16).padStart(2, '0');

  const fontSize = 12.5;
  const font = (weight = 400) => `${weight} ${fontSize}px ${getComputedStyle(document.body).fontFamily}`;
  const ruler = document.createElement('canvas').getContext('2d');
  function textWidth(text, weight) {
    ruler.font = font(weight);
    return ruler.measureText(text).width;
  }

  // --- What Chart.js does not draw by itself ----------------------------------------------------

  // A line for each event, with its number above; the list beside the charts says what it is, and
  // so does the chart where there is room.
  const eventLines = {
    id: 'eventLines',
    beforeDatasetsDraw(chart, args, options) {
      const { ctx, chartArea: area, scales } = chart, c = options.colours;
      let free = -Infinity;  // where the last text ends
      ctx.save();
      options.events.forEach((event, i) => {
        const x = Math.round(scales.x.getPixelForValue(event.epoch)) + 0.5;
        if (!(x >= area.left - 1 && x <= area.right + 1)) return;
        ctx.strokeStyle = c.soft;
        ctx.setLineDash([3, 3]);
        ctx.lineWidth = 1;
        ctx.beginPath();
        ctx.moveTo(x, area.top);
        ctx.lineTo(x, area.bottom);
        ctx.stroke();
        // Numbers of events close by stand side by side.
        const badge = 9, y = area.top - 12, place = Math.max(x, free + badge - 3);
        if (place > x + 3 * badge) return;
        ctx.setLineDash([]);
        ctx.fillStyle = c.ink;
        ctx.beginPath();
        ctx.arc(place, y, badge, 0, 2 * Math.PI);
        ctx.fill();
        ctx.fillStyle = c.sheet;
        ctx.font = `600 11px ${getComputedStyle(document.body).fontFamily}`;
        ctx.textAlign = 'center';
        ctx.textBaseline = 'middle';
        ctx.fillText(String(i + 1), place, y + 0.5);
        free = place + badge + 4;
        const next = options.events[i + 1];
        const room = (next ? scales.x.getPixelForValue(next.epoch) - badge : chart.width) - free - 6;
        if (options.texts && textWidth(event.text) < room) {
          ctx.font = font();
          ctx.textAlign = 'left';
          ctx.fillStyle = c.soft;
          ctx.fillText(event.text, free, y + 0.5);
          free += textWidth(event.text);
        }
      });
      ctx.restore();
    },
  };

  // The name of each line behind its last point, moved apart where they would lie on each other.
  const endLabels = {
    id: 'endLabels',
    afterDatasetsDraw(chart, args, options) {
      if (!options.shown) return;
      const { ctx, chartArea: area } = chart, height = fontSize + 3;
      const labels = [];
      chart.data.datasets.forEach((set, i) => {
        const points = chart.getDatasetMeta(i).data;
        for (let p = points.length - 1; p >= 0; --p) {
          if (set.data[p].y === null || !set.label) continue;
          labels.push({ text: set.label, colour: set.borderColor, y: points[p].y });
          break;
        }
      });
      labels.sort((a, b) => a.y - b.y);
      // Down from the top, then, if that went too far, up from the bottom.
      labels.forEach((label, i) => {
        label.y = Math.max(label.y, i > 0 ? labels[i - 1].y + height : area.top + height / 2);
      });
      for (let i = labels.length - 1; i >= 0; --i) {
        labels[i].y = Math.min(labels[i].y,
          i + 1 < labels.length ? labels[i + 1].y - height : area.bottom - height / 2);
      }
      ctx.save();
      ctx.font = font(600);
      ctx.textBaseline = 'middle';
      for (const label of labels) {
        ctx.fillStyle = label.colour;
        ctx.fillText(label.text, area.right + 8, label.y);
      }
      ctx.restore();
    },
  };

  // One moment in all charts of a run: where the pointer is in one, a line is in the others.
  const pointer = { run: null, x: null };
  const crosshair = {
    id: 'crosshair',
    afterEvent(chart, args, options) {
      const { x, type } = args.event;
      const inside = type !== 'mouseout' && args.inChartArea;
      const epoch = inside ? Math.round(chart.scales.x.getValueForPixel(x)) : null;
      if (pointer.x === epoch && pointer.run === options.run) return;
      pointer.x = epoch;
      pointer.run = options.run;
      for (const other of drawn.values()) {
        if (other.options.plugins.crosshair && other.options.plugins.crosshair.run === options.run) other.draw();
      }
    },
    beforeDatasetsDraw(chart, args, options) {
      if (pointer.x === null || pointer.run !== options.run) return;
      const { ctx, chartArea: area, scales } = chart;
      const x = scales.x.getPixelForValue(pointer.x);
      if (x < area.left || x > area.right) return;
      ctx.save();
      ctx.strokeStyle = faint(options.colours.soft, 0.45);
      ctx.beginPath();
      ctx.moveTo(x, area.top);
      ctx.lineTo(x, area.bottom);
      ctx.stroke();
      ctx.restore();
    },
  };

  // Lines across a histogram: the values of a grid, and a threshold on both sides of zero.
  const valueLines = {
    id: 'valueLines',
    afterDatasetsDraw(chart, args, options) {
      const { ctx, chartArea: area, scales } = chart, c = options.colours;
      const line = (value, from, colour, dash) => {
        const x = scales.x.getPixelForValue(value);
        if (x < area.left || x > area.right) return;
        ctx.strokeStyle = colour;
        ctx.setLineDash(dash);
        ctx.beginPath();
        ctx.moveTo(x, from);
        ctx.lineTo(x, area.bottom);
        ctx.stroke();
      };
      ctx.save();
      ctx.lineWidth = 1;
      const few = options.grid.length <= 32;
      for (const value of options.grid) {
        line(value, few ? area.top : area.bottom - 8, faint(c.ink, few ? 0.35 : 0.6), few ? [2, 3] : []);
      }
      if (options.threshold) {
        ctx.lineWidth = 1.5;
        for (const side of [-1, 1]) line(side * options.threshold, area.top, c.warm, [5, 3]);
        ctx.font = font(600);
        ctx.fillStyle = c.warm;
        ctx.textBaseline = 'top';
        ctx.strokeStyle = faint(c.sheet, 0.85);
        ctx.lineWidth = 4;
        ctx.setLineDash([]);
        ctx.strokeText('threshold', scales.x.getPixelForValue(options.threshold) + 5, area.top + 2);
        ctx.fillText('threshold', scales.x.getPixelForValue(options.threshold) + 5, area.top + 2);
      }
      ctx.restore();
    },
  };

  // Names beside the points of a scatter, on the first side where they cover nothing.
  const pointLabels = {
    id: 'pointLabels',
    afterDatasetsDraw(chart, args, options) {
      const { ctx, chartArea: area } = chart, height = fontSize + 2, gap = 10;
      const taken = [];
      chart.data.datasets.forEach((set, i) => {
        const marks = chart.getDatasetMeta(i).data;
        if (set.names) marks.forEach((p) => taken.push([p.x - 6, p.y - 6, 12, 12]));
        // Steps: along, then up.
        for (let k = 1; set.stepped && k < marks.length; ++k) {
          const [a, b] = [marks[k - 1], marks[k]];
          taken.push([a.x, a.y - 1, b.x - a.x, 2], [b.x - 1, b.y, 2, a.y - b.y]);
        }
      });
      const free = ([x, y, w, h]) => x >= area.left && x + w <= chart.width && y >= area.top - height &&
        y + h <= area.bottom &&
        taken.every(([a, b, c, d]) => x + w <= a || a + c <= x || y + h <= b || b + d <= y);
      ctx.save();
      ctx.textBaseline = 'top';
      chart.data.datasets.forEach((set, i) => {
        if (!set.names) return;
        ctx.font = font(set.strong ? 600 : 400);
        ctx.fillStyle = set.strong ? options.colours.ink : options.colours.soft;
        chart.getDatasetMeta(i).data.forEach((p, k) => {
          const w = textWidth(set.names[k], set.strong ? 600 : 400);
          const places = [[p.x + gap, p.y - height / 2], [p.x + gap / 2, p.y + gap / 2],
            [p.x - w - gap / 2, p.y - gap - height], [p.x - gap - w, p.y - height / 2], [p.x - w / 2, p.y - gap - height], [p.x - w / 2, p.y + gap],
            [p.x + gap / 2, p.y - gap - height], [p.x - w - gap / 2, p.y + gap]]
            .map(([x, y]) => [x, y, w, height]);
          const place = places.find(free);
          if (!place) return;  // the table has it, and the pointer shows it
          taken.push(place);
          ctx.fillText(set.names[k], place[0], place[1]);
        });
      });
      ctx.restore();
    },
  };

  // --- Charts -----------------------------------------------------------------------------------

  const axisTitle = (text, c) => ({ display: Boolean(text), text, color: c.soft });
  function axis(c, title, format, more = {}) {
    return {
      title: axisTitle(title, c),
      grid: { color: c.grid, borderColor: c.grid, drawTicks: false },
      ...more,
      ticks: { color: c.soft, padding: 6, callback: format, maxTicksLimit: 7, maxRotation: 0, ...more.ticks },
    };
  }

  const tens = (value) => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;
  // Of a logarithmic axis: lines at powers of ten alone.
  const decades = (c) => ({
    color: ({ tick }) => (tens(tick.value) ? c.grid : 'transparent'), borderColor: c.grid, drawTicks: false,
  });

  function options(c, scales, plugins) {
    return {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: 'nearest', axis: 'x', intersect: false },
      scales,
      plugins: {
        legend: { display: false, labels: { color: c.ink, boxHeight: 8, boxWidth: 16 } },
        ...plugins,
        tooltip: {
          backgroundColor: c.ink, titleColor: c.sheet, bodyColor: c.sheet, padding: 9,
          boxPadding: 4, usePointStyle: true, ...(plugins.tooltip || {}),
        },
      },
    };
  }

  const points = (x, y) => x.map((value, i) => ({ x: value, y: y[i] === undefined ? null : y[i] }));

  function lineSet(label, data, colour, more = {}) {
    return {
      label, data, borderColor: colour, backgroundColor: colour, borderWidth: 2.25, borderJoinStyle: 'round',
      pointRadius: data.length > 30 ? 0 : 2.5, pointHoverRadius: 5, pointBorderWidth: 0, spanGaps: true, ...more,
    };
  }

  // Lines over epochs. The clock of all charts of a run begins at 0 and ends with its last epoch.
  function overEpochs(canvas, sets, { format, y = {}, events = [], texts = false, run = null, last }) {
    const c = colours();
    const named = sets.filter((set) => set.label).length > 1;
    const room = 14 + Math.max(0, ...sets.map((set) => textWidth(set.label || '', 600)));
    const direct = named && room < 0.34 * canvas.parentNode.clientWidth;
    const config = options(c, {
      x: axis(c, 'epoch', (value) => short(value), {
        type: 'linear', min: 0, max: last, ticks: { precision: 0, maxTicksLimit: 11, includeBounds: last < 8 },
      }),
      y: axis(c, '', format, y),
    }, {
      tooltip: {
        callbacks: {
          title: (items) => (items.length ? `Epoch ${items[0].parsed.x}` : ''),
          label: (item) => `${item.dataset.label ? `${item.dataset.label}: ` : ''}${item.dataset.format(item.parsed.y)}`,
        },
      },
      eventLines: { events, texts, colours: c },
      endLabels: { shown: direct },
      crosshair: { run, colours: c },
    });
    config.layout = { padding: { right: direct ? room : 6, top: events.length ? 24 : 4 } };
    if (named && !direct) {
      config.plugins.legend.display = true;
      config.plugins.legend.position = 'bottom';
    }
    const exact = y.exact || format;
    for (const set of sets) set.format = exact;
    return new Chart(canvas, {
      type: 'line', data: { datasets: sets }, options: config, plugins: [eventLines, endLabels, crosshair],
    });
  }

  const lastEpoch = (run) => Math.max(1, ...run.epochs.epoch, ...run.dense_epochs.epoch);

  // A column of metrics.jsonl, beside that of the dense training where there was one.
  function column(canvas, index, name, settings) {
    const run = report.runs[index], c = colours();
    const both = run.dense_epochs.epoch.length > 0;
    const sets = [lineSet(both ? 'compressed' : '', points(run.epochs.epoch, run.epochs[name]), c.leaf)];
    if (both) {
      sets.push(lineSet('dense', points(run.dense_epochs.epoch, run.dense_epochs[name]), c.dense,
        { borderWidth: 1.5, pointRadius: 0 }));
    }
    return overEpochs(canvas, sets, { events: run.events, run: index, last: lastEpoch(run), ...settings });
  }

  // Decimals that tell the ticks of an axis apart.
  const percentTick = (value, i, ticks) =>
    percent(value, ticks.length > 1 && Math.abs(ticks[1].value - ticks[0].value) < 0.0095 ? 1 : 0);

  const step = (histogram) => (histogram.high - histogram.low) / histogram.counts.length;
  // A bin is a flat line from its left to its right edge. On a logarithmic axis an empty one lies on
  // the floor.
  function outline(histogram, floor) {
    const width = step(histogram), line = [{ x: histogram.low, y: floor }];
    histogram.counts.forEach((count, i) => {
      const y = count > 0 ? count : floor;
      line.push({ x: histogram.low + i * width, y }, { x: histogram.low + (i + 1) * width, y });
    });
    line.push({ x: histogram.high, y: floor });
    return line;
  }

  const makers = {
    accuracy(canvas, index) {
      const run = report.runs[index], c = colours(), last = lastEpoch(run);
      const dense = run.dense_epochs.epoch.length > 0;
      const known = !dense && run.dense && run.dense.accuracy !== null;
      const sets = [lineSet(dense || known ? 'compressed' : '', points(run.epochs.epoch, run.epochs.accuracy), c.leaf)];
      if (dense) {
        sets.push(lineSet('dense', points(run.dense_epochs.epoch, run.dense_epochs.accuracy), c.dense,
          { borderWidth: 1.5, pointRadius: 0 }));
      } else if (known) {
        sets.push(lineSet('dense', [{ x: 0, y: run.dense.accuracy }, { x: last, y: run.dense.accuracy }], c.dense,
          { borderWidth: 1.5, pointRadius: 0 }));
      }
      return overEpochs(canvas, sets, {
        format: percentTick, y: { exact: (v) => percent(v) }, events: run.events, texts: true, run: index, last,
      });
    },
    sparsity(canvas, index) {
      const run = report.runs[index], c = colours();
      const target = run.epochs.target_sparsity.some((value) => value !== null);
      const sets = [lineSet(target ? 'measured' : '', points(run.epochs.epoch, run.epochs.sparsity), c.leaf)];
      if (target) {
        sets.push(lineSet('wanted', points(run.epochs.epoch, run.epochs.target_sparsity), c.dense,
          { borderDash: [5, 4], borderWidth: 1.75, pointRadius: 0, order: -1 }));
      }
      return overEpochs(canvas, sets, {
        format: percentTick, y: { min: 0, max: 1, exact: (v) => percent(v) }, events: run.events, run: index,
        last: lastEpoch(run),
      });
    },
    loss: (canvas, index) => column(canvas, index, 'train_loss',
      { format: (v) => short(v), y: { beginAtZero: true, exact: (v) => v.toFixed(4) } }),
    rate: (canvas, index) => column(canvas, index, 'learning_rate',
      { format: (v) => short(v), y: { beginAtZero: true } }),
    speed: (canvas, index) => column(canvas, index, 'images_per_second',
      { format: (v) => short(v), y: { beginAtZero: true } }),

    'layer-sparsity'(canvas, index, layer) {
      const run = report.runs[index], c = colours();
      const { sparsity } = run.layers[layer];
      const first = run.epochs.epoch.length === sparsity.length ? run.epochs.epoch : sparsity.map((s, i) => i + 1);
      return overEpochs(canvas, [lineSet('', points(first, sparsity), c.leaf)], {
        format: percentTick, y: { min: 0, max: 1, exact: (v) => percent(v) }, events: run.events,
        last: Math.max(1, ...first),
      });
    },

    histogram(canvas, index, layer) {
      const c = colours(), { before, after, threshold, grid } = report.runs[index].layers[layer];
      const highest = (histogram) => (histogram ? Math.max(1, ...histogram.counts) : 1);
      // Where few weights are left of many, only a logarithmic axis shows both.
      const logarithmic = Boolean(before && after && highest(before) > 5 * highest(after));
      const floor = logarithmic ? 0.7 : 0, sets = [];
      const add = (label, histogram, colour, strength) => sets.push({
        label, histogram, data: outline(histogram, floor), borderColor: colour, borderWidth: 1.5,
        backgroundColor: faint(colour, strength), fill: 'start', pointRadius: 0, pointHoverRadius: 0,
      });
      if (after) add(before ? 'after compression' : 'weights', after, c.leaf, 0.35);
      if (before) add('before', before, c.dense, 0.25);
      const both = [before, after].filter(Boolean);
      const config = options(c, {
        x: axis(c, 'value of a weight', (v) => short(v), {
          type: 'linear', min: Math.min(...both.map((h) => h.low)), max: Math.max(...both.map((h) => h.high)),
          ticks: { includeBounds: false },
        }),
        y: axis(c, logarithmic ? 'weights in a bin (logarithmic)' : 'weights in a bin',
          (v) => (!logarithmic || tens(v) ? short(v) : ''),
          logarithmic ? { type: 'logarithmic', min: floor, ticks: { maxTicksLimit: 20 }, grid: decades(c) }
            : { beginAtZero: true }),
      }, {
        tooltip: {
          callbacks: {
            title: () => '',
            label: (item) => {
              const h = item.dataset.histogram, width = step(h);
              const bin = Math.min(h.counts.length - 1, Math.max(0, Math.ceil(item.dataIndex / 2) - 1));
              return `${item.dataset.label}: ${h.counts[bin].toLocaleString('en')} from ` +
                `${short(h.low + bin * width)} to ${short(h.low + (bin + 1) * width)}`;
            },
          },
        },
        valueLines: { grid, threshold, colours: c },
      });
      if (both.length > 1) Object.assign(config.plugins.legend, { display: true, position: 'top', align: 'end' });
      return new Chart(canvas, { type: 'line', data: { datasets: sets }, options: config, plugins: [valueLines] });
    },

    pareto(canvas) {
      const c = colours(), runs = report.runs, names = shortNames(runs.map((run) => run.name));
      const usable = runs.map((run, i) => ({ ...run.compressed, name: names[i], full: runs[i].name, colour: c.series(i) }))
        .filter((run) => run.accuracy !== null && run.bytes > 0);
      const better = (a, b) => a.bytes <= b.bytes && a.accuracy >= b.accuracy &&
        (a.bytes < b.bytes || a.accuracy > b.accuracy);
      for (const run of usable) run.front = !usable.some((other) => better(other, run));
      const front = usable.filter((run) => run.front).sort((a, b) => a.bytes - b.bytes);
      // Runs may share their dense network: each once.
      const dense = new Map();
      runs.forEach(({ dense: d }) => {
        if (d && d.accuracy !== null && d.bytes > 0) dense.set(`${d.bytes} ${d.accuracy}`, { x: d.bytes, y: d.accuracy });
      });
      const place = (run) => ({ x: run.bytes, y: run.accuracy });
      const all = [...usable.map(place), ...dense.values()].map((p) => p.x);
      const sets = [
        {
          type: 'scatter', data: usable.map(place), names: usable.map((r) => r.name), full: usable.map((r) => r.full),
          strong: true, pointRadius: 6, pointHoverRadius: 8, pointBorderWidth: 2,
          pointBorderColor: usable.map((r) => r.colour),
          pointBackgroundColor: usable.map((r) => (r.front ? r.colour : c.sheet)),
        },
        {
          type: 'line', data: front.map(place), borderColor: c.soft, borderWidth: 1.25, borderDash: [4, 3],
          stepped: 'before', pointRadius: 0, pointHoverRadius: 0, pointHitRadius: 0,
        },
        {
          type: 'scatter', data: [...dense.values()], names: [...dense.values()].map((each, i) => (i === 0 ? 'dense' : '')),
          full: [...dense.values()].map(() => 'before compression'), pointRadius: 4.5, pointBorderWidth: 0,
          pointBackgroundColor: c.dense,
        },
      ];
      const range = Math.log10(Math.max(...all) / Math.min(...all));
      const config = options(c, {
        x: axis(c, 'bytes of the file (logarithmic)', (v) =>
          (tens(v) || (range < 2 && [2, 5].includes(+String(v)[0])) ? bytes(v) : ''),
        {
          type: 'logarithmic', min: Math.min(...all) / 1.6, max: Math.max(...all) * 1.6,
          ticks: { autoSkip: false },
          grid: decades(c),
        }),
        y: axis(c, 'accuracy', percentTick, { grace: '12%' }),
      }, {
        tooltip: {
          filter: (item) => item.datasetIndex !== 1,
          callbacks: {
            title: () => '',
            label: (item) => `${item.dataset.full[item.dataIndex]}: ${percent(item.parsed.y)}, ${bytes(item.parsed.x)}`,
          },
        },
        pointLabels: { colours: c },
      });
      config.interaction = { mode: 'nearest', intersect: true };
      config.scales.y.afterDataLimits = (scale) => { scale.max = Math.min(scale.max, 1); };
      config.layout = { padding: { top: 8, right: 10 } };
      return new Chart(canvas, { type: 'scatter', data: { datasets: sets }, options: config, plugins: [pointLabels] });
    },

    curves(canvas) {
      const c = colours(), names = shortNames(report.runs.map((run) => run.name), 20);
      const sets = report.runs.map((run, i) => lineSet(names[i], points(run.epochs.epoch, run.epochs.accuracy), c.series(i),
        { pointRadius: 0, borderWidth: 2, borderDash: i < 7 ? [] : [6, 3] })).filter((set) => set.data.length);
      return overEpochs(canvas, sets, {
        format: percentTick, y: { exact: (v) => percent(v) }, last: Math.max(...report.runs.map(lastEpoch)),
      });
    },
  };

  // --- When charts are drawn --------------------------------------------------------------------

  const drawn = new Map();  // from figure to chart

  // Draws the charts that can be seen and are not there yet: those in what is closed wait.
  function draw() {
    for (const figure of document.querySelectorAll('[data-chart]')) {
      if (drawn.has(figure) || figure.closest('details:not([open])')) continue;
      const { chart, run, layer } = figure.dataset;
      drawn.set(figure, makers[chart](figure.querySelector('canvas'), Number(run), Number(layer)));
    }
  }

  // Charts have their colours from the moment they were drawn.
  function drawAnew() {
    for (const chart of drawn.values()) chart.destroy();
    drawn.clear();
    draw();
  }

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = fontSize;
  draw();
  document.addEventListener('toggle', draw, true);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAnew);
  const root = document.documentElement;
  addEventListener('beforeprint', () => { root.classList.add('paper'); drawAnew(); });
  addEventListener('afterprint', () => { root.classList.remove('paper'); drawAnew(); });

  // --- Links and commands -----------------------------------------------------------------------

  // What a link leads to is opened first, with all that it lies in.
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let each = target; each; each = each.parentElement) if (each.tagName === 'DETAILS') each.open = true;
    requestAnimationFrame(() => target.scrollIntoView());
  }
  addEventListener('hashchange', reveal);
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link && link.hash === location.hash) reveal();  // the address does not change
  });
  if (location.hash) reveal();

  for (const box of document.querySelectorAll('.copy')) {
    const button = document.createElement('button'), text = box.querySelector('pre');
    button.type = 'button';
    button.textContent = 'Copy';
    button.addEventListener('click', async () => {
      let done = true;
      try {
        await navigator.clipboard.writeText(text.textContent);
      } catch {
        getSelection().selectAllChildren(text);  // browsers that allow no more to a file
        done = document.execCommand('copy');
      }
      button.textContent = done ? 'Copied' : 'Selected';
      setTimeout(() => { button.textContent = 'Copy'; }, 1500);
    });
    box.append(button);
  }
})();
