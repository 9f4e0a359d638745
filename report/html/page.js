/*
 * The time lines of the HTML report, where scripts run: dygraphs in the frames of the still pictures.
 * All show the same stretch of time and the same moment. Nothing is asked of the network, and no
 * text becomes markup: it goes in as textContent.
 */
(function () {
'use strict';
if (typeof Dygraph === 'undefined') return;

const data = JSON.parse(document.getElementById('data').textContent);
const full = [data.begin, Math.max(data.end, data.begin + 1000)];
const least = 10 * Math.min(data.axes[0].step, 10000); /* ms, the shortest stretch one can see */
const coarse = matchMedia('(pointer: coarse)').matches;
const charts = [];
const heatMoments = []; /* lines in the heat maps */
let stretch = full, host = -1, moment = null, busy = false;

/* ---- what the page says, read ---- */

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const codes = Object.fromEntries([...digits].map((c, i) => [c, i]));

/* A series as numbers, null where nothing is known; html-json.c tells how it is written. */
function unpack(series, n) {
  if (series === null || typeof series === 'number') return Array(n).fill(series);
  const lo = series.log ? Math.log10(series.lo) : series.lo;
  const span = (series.log ? Math.log10(series.hi) : series.hi) - lo;
  const out = [];
  for (let i = 0; i < n; i++) {
    const at = (i >> 1) * 3;
    const bits = codes[series.d[at]] << 12 | codes[series.d[at + 1]] << 6 | codes[series.d[at + 2]];
    const step = i % 2 ? bits & 511 : bits >> 9;
    if (step === 511) out.push(null);
    else if (step === 510) out.push(series.hi);
    else out.push(series.log ? Math.pow(10, lo + span * step / 510) : lo + span * step / 510);
  }
  return out;
}

function times(axis) {
  return Array.from({length: axis.n}, (_, i) => new Date(axis.t0 + i * axis.step));
}

/* ---- numbers and times for people ---- */

function digits3(v) {
  return Math.abs(v) >= 1000 ? Math.round(v).toString() : Number(v.toPrecision(3)).toString();
}

function duration(ns) {
  if (ns < 1e3) return Math.round(ns) + ' ns';
  if (ns < 1e6) return digits3(ns / 1e3) + ' µs';
  if (ns < 1e9) return digits3(ns / 1e6) + ' ms';
  const s = Math.round(ns / 1e9), two = n => String(n).padStart(2, '0');
  if (ns < 59.95e9) return digits3(ns / 1e9) + ' s';
  if (s < 3600) return Math.floor(s / 60) + 'm' + two(s % 60) + 's';
  if (s < 86400) return Math.floor(s / 3600) + 'h' + two(Math.floor(s % 3600 / 60)) + 'm';
  return Math.floor(s / 86400) + 'd' + two(Math.floor(s % 86400 / 3600)) + 'h';
}

function bytes(v) {
  const words = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let i = 0;
  for (; Math.abs(v) >= 1024 && i < words.length - 1; i++) v /= 1024;
  return digits3(v) + ' ' + words[i];
}

const formats = {
  duration, bytes,
  percent: v => digits3(v) + ' %',
  rate: v => digits3(v) + '/s',
  count: v => digits3(v),
};

function clock(ms, exact) {
  const text = new Date(ms).toISOString();
  const span = stretch[1] - stretch[0];
  if (exact) return text.slice(0, 10) + ' ' + text.slice(11, 19);
  if (span > 36 * 3600e3) return text.slice(5, 10) + ' ' + text.slice(11, 16);
  return span > 1800e3 ? text.slice(11, 16) : text.slice(11, 19);
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
}

function element(name, text, parent) {
  const e = document.createElement(name);
  if (text) e.textContent = text;
  if (parent) parent.append(e);
  return e;
}

/* ---- drawing ---- */

/* Wedges behind every line: the time they lasted, and when they began. Of what the chart shows, where
   its level changes. */
function drawMarks(context, area, g, changes) {
  context.save();
  context.beginPath();
  context.rect(area.x, area.y, area.w, area.h);
  context.clip();
  for (const w of data.wedges) {
    const end = w.to || w.from; /* one that has not cleared is a line: else all behind it were shaded */
    if (end < stretch[0] || w.from > stretch[1]) continue;
    const from = g.toDomXCoord(w.from), to = g.toDomXCoord(end);
    context.globalAlpha = Number(color('wash')) || 0.15;
    context.fillStyle = color('wedge');
    context.fillRect(from, area.y, to - from, area.h);
    context.globalAlpha = 0.7;
    context.strokeStyle = color('wedge');
    context.beginPath();
    context.moveTo(from, area.y);
    context.lineTo(from, area.y + area.h);
    context.stroke();
  }
  context.setLineDash([5, 3]);
  context.strokeStyle = color('ink');
  for (const c of changes) {
    const x = g.toDomXCoord(c.from);
    context.beginPath();
    context.moveTo(x, area.y);
    context.lineTo(x, area.y + area.h);
    context.stroke();
  }
  context.restore();
}

/* Of the chosen host, or of all together. */
function changesOf(name) {
  return data.changes.filter(c => c.chart === name && (host < 0 || c.host === undefined || c.host === host));
}

/* The surface between the median and the 99th percentile: plotter of the former. */
function plotBand(e) {
  const [low, high] = e.allSeriesPoints;
  const context = e.drawingContext;
  context.save();
  context.fillStyle = color('band');
  for (let from = 0, to; from < low.length; from = to + 1) {
    for (to = from; to < low.length && low[to].yval !== null && !isNaN(low[to].canvasy); to++);
    if (to === from) continue;
    context.beginPath();
    for (let i = from; i < to; i++) context.lineTo(high[i].canvasx, high[i].canvasy);
    for (let i = to - 1; i >= from; i--) context.lineTo(low[i].canvasx, low[i].canvasy);
    context.closePath();
    context.fill();
    if (to - from === 1) context.fillRect(low[from].canvasx - 1, high[from].canvasy, 2, low[from].canvasy - high[from].canvasy + 1);
  }
  context.restore();
  Dygraph.Plotters.linePlotter(e);
}

function nothing() {}

/* What a chart shows of the chosen host: labels, columns, and how they are drawn. */
function phaseContent(phase) {
  const axis = data.axes[0];
  const bands = (phase.bands[host + 1] || phase.bands[0]).map(s => unpack(s, axis.n));
  return {
    axis, columns: bands, labels: ['median', '99 %', 'maximum'], unit: 'duration', log: true,
    changes: changesOf(phase.name),
    series: {
      'median': {color: color('median'), strokeWidth: 1.6, plotter: plotBand},
      '99 %': {color: color('band'), plotter: nothing},
      'maximum': {color: color('most'), strokeWidth: 1},
    },
  };
}

function gaugeContent(gauge) {
  const axis = data.axes[gauge.axis];
  const lines = gauge.lines.map(s => unpack(s, axis.n));
  const most = (gauge.max || gauge.min || []).map(s => unpack(s, axis.n));
  const pick = gauge.min ? Math.min : Math.max;
  const merge = (all, fold) => all[0].map((_, i) => {
    const known = all.map(c => c[i]).filter(v => v !== null);
    return known.length ? fold(known) : null;
  });
  const content = {
    axis, columns: [], labels: [], unit: gauge.unit, log: gauge.unit === 'duration', series: {},
    changes: changesOf(gauge.name),
  };
  const add = (label, column, options) => {
    content.labels.push(label);
    content.columns.push(column);
    content.series[label] = options;
  };
  const total = gauge.total && host < 0 && lines.length > 1;

  if (most.length) {
    add(gauge.min ? 'lowest' : 'highest', host < 0 ? merge(most, known => pick(...known)) : most[host],
        {color: color('muted'), strokeWidth: 0.8, strokePattern: [2, 2]});
  }
  if (total) {
    add('all hosts', merge(lines, known => known.reduce((a, b) => a + b)), {color: color('median'), strokeWidth: 1.6});
  } else {
    lines.forEach((line, i) => {
      if (host < 0 || host === i) add(data.hosts[i], line, {color: color('h' + i), strokeWidth: host < 0 ? 1.2 : 1.6});
    });
  }
  return content;
}

function options(chart) {
  const c = chart.content;
  const rows = times(c.axis).map((t, i) => [t, ...c.columns.map(column =>
    column[i] === null || (c.log && column[i] <= 0) ? null : column[i])]);
  return {
    file: rows, labels: ['time', ...c.labels], series: c.series,
    axes: {
      x: {axisLabelFormatter: t => clock(t.getTime()), pixelsPerLabel: 90, axisLabelWidth: 84, drawGrid: false},
      y: {axisLabelFormatter: v => formats[c.unit](v), pixelsPerLabel: 28, axisLabelWidth: 58, gridLineColor: color('rule'), labelsKMG2: c.unit === 'bytes'},
    },
    logscale: c.log, includeZero: !c.log, dateWindow: stretch.slice(), labelsUTC: true, legend: 'never',
    connectSeparatedPoints: false, axisLineColor: color('rule'), highlightCircleSize: 2.5, yRangePad: 4,
    drawGapEdgePoints: true, pointSize: 1.5, rightGap: 2, xRangePad: 0, animatedZooms: false,
    underlayCallback: (context, area, g) => drawMarks(context, area, g, c.changes),
  };
}

/* Where a finger scrolls the page, it shall not drag a chart along: the buttons zoom. */
function interaction() {
  const model = Object.assign({}, Dygraph.defaultInteractionModel);
  if (coarse) {
    delete model.touchstart;
    delete model.touchmove;
    delete model.touchend;
  }
  model.dblclick = () => show(full);
  return model;
}

/* ---- one stretch and one moment for all ---- */

function show(to) {
  if (busy) return;
  busy = true;
  let [from, end] = to;
  const span = Math.min(Math.max(end - from, least), full[1] - full[0]);
  const middle = (from + end) / 2;
  from = Math.min(Math.max(middle - span / 2, full[0]), full[1] - span);
  stretch = [from, from + span];
  for (const chart of charts) chart.g.updateOptions({dateWindow: stretch.slice()});
  showHeat();
  busy = false;
  document.documentElement.dataset.stretch = stretch.map(Math.round).join(' ');
  sayMoment();
}

/* Heat maps are still pictures: their window moves. */
function showHeat() {
  const axis = data.axes[0], length = axis.n * axis.step;
  for (const figure of document.querySelectorAll('.heat')) {
    const svg = figure.querySelector('svg');
    const from = (stretch[0] - axis.t0) / length * 1000, wide = (stretch[1] - stretch[0]) / length * 1000;
    svg.setAttribute('viewBox', from + ' 0 ' + wide + ' 200');
    const labels = figure.querySelectorAll('.x span');
    labels.forEach((label, i) => {
      label.textContent = clock(stretch[0] + (stretch[1] - stretch[0]) * i / (labels.length - 1));
    });
  }
}

function rowAt(axis, ms) {
  return Math.min(Math.max(Math.floor((ms - axis.t0) / axis.step), 0), axis.n - 1);
}

function sayMoment() {
  const out = document.getElementById('moment');
  const there = data.wedges.filter(w => moment !== null && w.from <= moment && (w.to || full[1]) >= moment);
  out.textContent = moment === null
    ? clock(stretch[0], true) + ' – ' + clock(stretch[1], true)
    : clock(moment, true) + there.slice(0, 3).map(w => ' · ' + w.class + ' on ' + w.host).join('');
}

/* The values of every chart at a moment; null = none. */
function point(ms, by) {
  if (busy) return;
  busy = true;
  moment = ms;
  for (const chart of charts) {
    const c = chart.content;
    chart.read.replaceChildren();
    if (ms === null) {
      chart.g.clearSelection();
      chart.words.hidden = false;
      chart.read.hidden = true;
      continue;
    }
    const row = rowAt(c.axis, ms);
    if (chart !== by) chart.g.setSelection(row);
    chart.words.hidden = true;
    chart.read.hidden = false;
    c.labels.forEach((label, i) => {
      const v = c.columns[i][row];
      const item = element('span', '', chart.read);
      element('i', '', item).style.setProperty('--c', c.series[label].color);
      item.append(label + ' ' + (v === null ? '–' : formats[c.unit](v)));
    });
  }
  busy = false;
  for (const line of heatMoments)
    line.setAttribute('d', ms === null ? '' : 'M' + (ms - data.axes[0].t0) / (data.axes[0].n * data.axes[0].step) * 1000 + ' 0v200');
  sayMoment();
}

/* ---- keys ---- */

function zoom(factor) {
  const middle = moment !== null && moment > stretch[0] && moment < stretch[1] ? moment : (stretch[0] + stretch[1]) / 2;
  const span = (stretch[1] - stretch[0]) * factor;
  const part = (middle - stretch[0]) / (stretch[1] - stretch[0]);
  show([middle - span * part, middle + span * (1 - part)]);
}

function move(part) {
  const by = (stretch[1] - stretch[0]) * part;
  show([stretch[0] + by, stretch[1] + by]);
}

function key(chart, e) {
  const axis = chart.content.axis;
  const step = ms => {
    const at = moment === null ? (stretch[0] + stretch[1]) / 2 : moment + ms;
    point(Math.min(Math.max(at, stretch[0]), stretch[1]));
    chart.said.textContent = clock(moment, true) + ': ' + chart.read.innerText;
  };
  const keys = {
    ArrowLeft: () => step(-axis.step), ArrowRight: () => step(axis.step),
    PageUp: () => move(-0.5), PageDown: () => move(0.5),
    '+': () => zoom(0.5), '=': () => zoom(0.5), '-': () => zoom(2),
    Home: () => show(full), '0': () => show(full), Escape: () => point(null),
  };
  if (e.ctrlKey || e.metaKey || e.altKey || !keys[e.key]) return;
  e.preventDefault();
  keys[e.key]();
}

/* ---- beginning ---- */

function makeChart(figure, content) {
  const caption = figure.querySelector('figcaption');
  const chart = {content: content(), make: content, words: caption.querySelector('p')};
  const plot = element('div');
  figure.append(plot);
  figure.classList.add('live');
  chart.read = element('p', '', caption);
  chart.read.className = 'read';
  chart.read.hidden = true;
  chart.said = element('div', '', figure);
  chart.said.className = 'hidden';
  chart.said.setAttribute('aria-live', 'polite');
  plot.className = 'plot';
  plot.tabIndex = 0;
  plot.setAttribute('role', 'application');
  plot.setAttribute('aria-roledescription', 'time line');
  plot.setAttribute('aria-label', caption.querySelector('h4').textContent +
    ': arrow keys move in time and say the values, plus and minus zoom, Home shows the whole run');
  plot.addEventListener('keydown', e => key(chart, e));
  const o = options(chart);
  const rows = o.file;
  delete o.file;
  chart.g = new Dygraph(plot, rows, Object.assign(o, {
    interactionModel: interaction(),
    zoomCallback: (from, to) => show([from, to]),
    drawCallback: (g, first) => {
      const range = first ? stretch : g.xAxisRange();
      if (!busy && (range[0] !== stretch[0] || range[1] !== stretch[1])) show(range);
    },
    highlightCallback: (e, x) => point(x, chart),
    unhighlightCallback: () => point(null),
  }));
  charts.push(chart);
}

function redraw() {
  busy = true;
  for (const chart of charts) {
    chart.content = chart.make();
    chart.g.updateOptions(options(chart));
  }
  busy = false;
}

function makeHeatMoments() {
  for (const svg of document.querySelectorAll('.heat svg')) {
    const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    line.setAttribute('class', 'm');
    svg.append(line);
    heatMoments.push(line);
  }
}

function makeTools() {
  const tools = document.getElementById('tools');
  const button = (sign, label, what) => {
    const b = element('button', sign, tools);
    b.type = 'button';
    b.setAttribute('aria-label', label);
    b.title = label;
    b.addEventListener('click', what);
  };
  tools.setAttribute('role', 'toolbar');
  tools.setAttribute('aria-label', 'Time lines');
  button('All', 'Show the whole run', () => show(full));
  button('−', 'Zoom out', () => zoom(2));
  button('+', 'Zoom in', () => zoom(0.5));
  button('←', 'Earlier', () => move(-0.5));
  button('→', 'Later', () => move(0.5));
  if (data.hosts.length > 1) {
    const select = element('select', '', tools);
    select.setAttribute('aria-label', 'Host');
    ['all hosts', ...data.hosts].forEach((name, i) => {
      element('option', name, select).value = i - 1;
    });
    select.addEventListener('change', () => {
      host = Number(select.value);
      point(null);
      redraw();
    });
  }
  element('output', '', tools).id = 'moment';
}

/* From a wedge, or a change of level, to its time. */
function makeShowButtons(name, items) {
  items.forEach((w, i) => {
    const cell = document.querySelector('#' + name + '-' + (i + 1) + ' td:nth-of-type(2)');
    if (!cell) return;
    cell.append(element('br'));
    const b = element('button', 'Show', cell);
    b.type = 'button';
    b.setAttribute('aria-label', 'Show ' + name + ' ' + (i + 1) + ' on the time lines');
    b.addEventListener('click', () => {
      const end = w.to || w.from, room = Math.max((end - w.from) * 2, 8 * data.axes[0].step);
      show([w.from - room, end + room]);
      point(w.from);
      document.getElementById('time').scrollIntoView();
    });
  });
}

Dygraph.PLUGINS = Dygraph.PLUGINS.filter(p => p !== Dygraph.Plugins.Legend);
makeTools();
for (const figure of document.querySelectorAll('[data-chart]')) {
  const name = figure.dataset.chart;
  const phase = data.phases.find(p => p.name === name);
  const gauge = data.gauges.find(g => g.name === name);
  if (phase) makeChart(figure, () => phaseContent(phase));
  else if (gauge) makeChart(figure, () => gaugeContent(gauge));
}
makeShowButtons('wedge', data.wedges);
makeShowButtons('change', data.changes);
makeHeatMoments();
show(full);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(d => { d.open = true; }));
document.documentElement.dataset.charts = charts.length;
})();
