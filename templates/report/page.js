// @ts-check
// Draws the report that stands in the page as data. What is in it came from the wire: it becomes text, never markup.
'use strict';

/** @typedef {import('../../src/sinks/report/report.js').Report} Report */
/** @typedef {import('../../src/sinks/report/report.js').LatencyFigures} LatencyFigures */
/** @typedef {import('../../src/sinks/report/report.js').ConnectionRow} ConnectionRow */
/** @typedef {import('../../src/sinks/report/report.js').ExchangeRow} ExchangeRow */
/** @typedef {string | number | undefined} Value */
/**
 * A column: what it sorts and filters by, and how that is shown where it is not shown as it is; wide ones break their lines.
 * @template Row
 * @typedef {{label: string, value: (row: Row) => Value, show?: (row: Row) => string | Node, number?: boolean, wide?: boolean}} Column
 */

(() => {
  /** @type {Report} */
  const report = JSON.parse(document.getElementById('data')?.textContent ?? '');
  const main = /** @type {HTMLElement} */ (document.getElementById('report'));
  const charts = /** @type {(() => void)[]} */ ([]);

  main.replaceChildren(
    head(),
    cards(),
    ...chartSections(),
    timeline(),
    failureTable(),
    routeTable(),
    exchangeTable('Slowest exchanges', report.slowest, `The ${count(report.slowest.length)} that took longest.`),
    exchangeTable(
      'Failed exchanges',
      report.failed,
      report.totals.failed > report.failed.length
        ? `The first ${count(report.failed.length)} of ${count(report.totals.failed)}.`
        : 'An error status, a stream that was reset, or no answer.',
    ),
    processTable(),
    peerTable(),
    warningList(),
    foot(),
  );
  for (const draw of charts) draw();
  redrawWhenColoursChange();

  // The parts of the page, from top to bottom.

  function head() {
    const {session, firstMs, lastMs} = report;
    const host = session.host === undefined ? '' : ` on ${session.host}`;
    const lasted = firstMs === undefined || lastMs === undefined ? '' : `, for ${time((lastMs - firstMs) * 1e6)}`;
    return element('header', {}, [
      element('h1', {}, [`TLS traffic${host}`]),
      element('p', {class: 'when'}, [firstMs === undefined ? 'Nothing was seen.' : `${utc(firstMs)}${lasted}`]),
      account(),
      traced(),
    ]);
  }

  function account() {
    const {summary, account} = report;
    const isWhole = summary !== undefined && !summary.incomplete && account.losses.length === 0;
    const redaction = summary?.redaction;
    return element('div', {class: isWhole ? 'account whole' : 'account lossy', role: 'status'}, [
      element('strong', {}, [isWhole ? 'Nothing was lost.' : 'Not everything was seen.']),
      ` ${account.balance}.`,
      ...account.losses.map((loss) => element('div', {}, [`${loss}.`])),
      ...(redaction
        ? [element('div', {}, [`Secrets masked: ${count(redaction.masked)}; bytes not looked into: ${count(redaction.uninspectedBytes)}.`])]
        : []),
      ...(report.session.redaction === 'off' ? [element('div', {}, ['Nothing was masked: secrets may stand below.'])] : []),
    ]);
  }

  function traced() {
    const {session} = report;
    const {pids = [], comms = [], uids = [], cgroups = []} = session.filters ?? {};
    /** @type {[string, string][]} */
    const facts = [
      ['Traced', session.targets.map(({library, version, path}) => [library, version, 'at', path].filter(Boolean).join(' ')).join('; ')],
      ['Command', (session.command ?? []).join(' ')],
      ['Filters', [...pids.map((pid) => `pid ${pid}`), ...comms.map((comm) => `name ${comm}`), ...uids.map((uid) => `user ${uid}`), ...cgroups.map((path) => `cgroup ${path}`)].join(', ')],
      ['Payload kept of each call', session.snaplen === undefined ? '' : bytes(session.snaplen)],
      ['With', [`tls-kit ${session.tlsKit}`, session.bpftrace && `bpftrace ${session.bpftrace}`, session.kernel && `Linux ${session.kernel}`].filter(Boolean).join(', ')],
    ];
    return element(
      'dl',
      {class: 'facts'},
      facts.filter(([, fact]) => fact !== '').flatMap(([name, fact]) => [element('dt', {}, [name]), element('dd', {}, [fact])]),
    );
  }

  function cards() {
    const {totals, latency, connections} = report;
    const {ok, failed, abandoned} = totals.handshakes;
    const statuses = Object.entries(totals.byStatus).map(([first, value]) => `${first}xx ${count(value)}`);
    const twice = totals.seenTwice > 0 ? [`${count(totals.seenTwice)} seen twice, from both ends`] : [];
    /** @type {[string, string, string, string?][]} */
    const all = [
      ['Exchanges', count(totals.exchanges), [...statuses, ...twice].join(' · ')],
      ['Failed', count(totals.failed), share(totals.failed, totals.exchanges), totals.failed > 0 ? 'bad' : undefined],
      ['Median latency', time(latency.p50Ns), `90 % within ${time(latency.p90Ns)}`],
      ['99 % within', time(latency.p99Ns), `longest ${time(latency.maxNs)}`],
      ['Connections', count(connections.total), `sent ${bytes(totals.bytesSent)} · received ${bytes(totals.bytesReceived)}`],
      ['Handshakes failed', count(failed + abandoned), `${count(ok)} succeeded`, failed + abandoned > 0 ? 'bad' : undefined],
    ];
    return element(
      'section',
      {class: 'cards', 'aria-label': 'Key figures'},
      all.map(([name, value, more, kind]) =>
        element('div', {class: `card${kind ? ` ${kind}` : ''}`}, [
          element('h2', {}, [name]),
          element('p', {class: 'figure'}, [value]),
          element('p', {class: 'more'}, [more]),
        ]),
      ),
    );
  }

  function chartSections() {
    const {overTime, latency} = report;
    if (overTime.bins.length === 0) return [];
    const begins = overTime.bins.map((_, index) => (overTime.startMs + index * overTime.widthMs) / 1000);
    const each = `Each bar is ${time(overTime.widthMs * 1e6)}.`;
    const {bins} = overTime;
    const kinds = /** @type {const} */ ([
      ['ok', 'Answered', '--ok'],
      ['clientErrors', 'Errors 4xx', '--client-error'],
      ['serverErrors', 'Errors 5xx', '--server-error'],
      ['unanswered', 'No answer', '--unanswered'],
    ]);
    const stacked = kinds.map((_, upTo) => bins.map((bin) => kinds.slice(0, upTo + 1).reduce((sum, [key]) => sum + bin[key], 0)));
    const wide = [
      figure('Exchanges over time', each, kinds.map(([, label, colour]) => [label, colour]), (room) =>
        barChart(room, {
          x: begins,
          // The highest of a stack is drawn first, and the lower ones over it.
          stack: kinds.map(([key, label, colour], index) => ({label, colour, top: stacked[index] ?? [], own: bins.map((bin) => bin[key])})).reverse(),
          widthS: overTime.widthMs / 1000,
        }),
      ),
      figure('Latency over time', 'Median, and what 99 % stayed within.', [['median', '--ok'], ['99 %', '--accent']], (room) =>
        lineChart(room, begins, [
          {label: 'median', colour: '--ok', values: bins.map(({p50Ns}) => milliseconds(p50Ns))},
          {label: '99 %', colour: '--accent', values: bins.map(({p99Ns}) => milliseconds(p99Ns))},
        ], duration),
      ),
      figure('Bytes over time', `Of ${time(overTime.widthMs * 1e6)} each.`, [['sent', '--ok'], ['received', '--accent']], (room) =>
        lineChart(room, begins, [
          {label: 'sent', colour: '--ok', values: bins.map(({bytesSent}) => bytesSent)},
          {label: 'received', colour: '--accent', values: bins.map(({bytesReceived}) => bytesReceived)},
        ], bytes),
      ),
      figure('Distribution of latency', `Of ${count(latency.count)} exchanges; classes of 1, 2, 5.`, [], (room) => distributionChart(room, latency)),
    ];
    return [element('section', {class: 'charts', 'aria-label': 'Charts'}, wide)];
  }

  function timeline() {
    const {rows, total, every} = report.connections;
    if (rows.length === 0) return '';
    const from = Math.min(...rows.map(({openedMs}) => openedMs));
    const to = Math.max(...rows.map(({lastMs}) => lastMs), from + 1e-6);
    const note = every > 1 ? `Every ${every}th of ${count(total)}, spread over the whole recording.` : `All ${count(total)}.`;
    /** @param {ConnectionRow} row */
    const bar = (row) => {
      const {openedMs, lastMs, handshake, isClosed} = row;
      const line = element('span', {class: `life ${handshake?.result ?? 'none'}${isClosed ? '' : ' open'}`}, []);
      place(line, (openedMs - from) / (to - from), (lastMs - openedMs) / (to - from));
      const track = element('span', {class: 'track', title: lifeOf(row)}, [line]);
      if (handshake?.durationNs !== undefined) {
        const shake = element('span', {class: `shake ${handshake.result}`}, []);
        place(shake, (openedMs - from) / (to - from), handshake.durationNs / 1e6 / (to - from));
        track.append(shake);
      }
      return track;
    };
    return section('Connections', `${note} From left to right: ${utc(from)} to ${utc(to)}. The first part of each is its handshake.`, [
      legend([['open', '--life'], ['handshake', '--accent'], ['handshake failed', '--server-error']]),
      table(
        'Connections',
        [
          {label: 'Opened', value: ({openedMs}) => openedMs, show: ({openedMs}) => clock(openedMs)},
          {label: 'Process', value: ({process}) => process},
          {label: 'Peer', wide: true, value: ({peer, handshake}) => [handshake?.serverName, peer].filter(Boolean).join(' ')},
          {label: 'Life', value: ({openedMs, lastMs}) => lastMs - openedMs, show: bar},
          {label: 'Handshake', number: true, value: ({handshake}) => handshake?.durationNs, show: ({handshake}) => (handshake === undefined ? '' : handshake.result === 'ok' ? time(handshake.durationNs) : handshake.result)},
          {label: 'TLS', value: ({handshake}) => handshake?.version},
          {label: 'Exchanges', number: true, value: ({exchanges}) => exchanges},
          {label: 'Sent', number: true, value: ({bytesSent}) => bytesSent, show: ({bytesSent}) => bytes(bytesSent)},
          {label: 'Received', number: true, value: ({bytesReceived}) => bytesReceived, show: ({bytesReceived}) => bytes(bytesReceived)},
        ],
        rows,
        {rows: 15},
      ),
    ]);
  }

  /** @param {ConnectionRow} row */
  function lifeOf({id, openedMs, lastMs, isClosed, handshake}) {
    const ended = isClosed ? 'closed' : 'last seen';
    const words = [`#${id}: opened ${utc(openedMs)}, ${ended} ${utc(lastMs)}`];
    if (handshake) words.push(`handshake ${handshake.result}`, handshake.cipher ?? '', handshake.explanation ?? '');
    return words.filter(Boolean).join('; ');
  }

  function failureTable() {
    const {rows, others} = report.failures;
    if (rows.length === 0) return '';
    return section('Failures', 'Handshakes, calls and sockets that failed, put together where process, peer and reason are the same.', [
      table(
        'Failures',
        [
          {label: 'Count', number: true, value: ({count: times}) => times, show: ({count: times}) => count(times)},
          {label: 'Why', wide: true, value: ({explanation, certificate}) => `${explanation} ${certificate}`, show: ({explanation, certificate}) => sentence(explanation, certificate)},
          {label: 'Process', value: ({process}) => process},
          {label: 'Peer', wide: true, value: ({serverName, peer}) => [serverName, peer].filter(Boolean).join(' ')},
          {label: 'What', value: ({kind}) => kind},
          {label: 'Cause', value: ({cause}) => cause},
          {label: 'Last', value: ({lastMs}) => lastMs, show: ({lastMs}) => clock(lastMs)},
        ],
        rows.concat(others ?? []),
      ),
    ]);
  }

  /** @param {string} explanation @param {string} certificate */
  function sentence(explanation, certificate) {
    const more = certificate === '' ? [] : [element('div', {class: 'more'}, [`certificate ${certificate}`])];
    return element('div', {class: 'sentence'}, [explanation, ...more]);
  }

  function routeTable() {
    const {rows, others, late} = report.routes;
    if (rows.length === 0) return '';
    const note = `Ids in paths are put together as :id.${others ? ` ${count(late)} exchanges of routes that came later stand under others.` : ''}`;
    return section('Hosts and routes', note, [
      table(
        'Hosts',
        [
          {label: 'Host', wide: true, value: ({host}) => host},
          {label: 'Side', value: ({side}) => side},
          ...latencyColumns(),
        ],
        report.hosts.rows.concat(report.hosts.others ?? []),
        {rows: 10},
      ),
      table(
        'Routes',
        [
          {label: 'Host', wide: true, value: ({host}) => host},
          {label: 'Route', wide: true, value: ({method, route}) => `${method} ${route}`.trim()},
          ...latencyColumns(),
        ],
        rows.concat(others ?? []),
      ),
    ]);
  }

  /** @returns {Column<import('../../src/sinks/report/report.js').RouteRow>[]} */
  function latencyColumns() {
    return [
      {label: 'Exchanges', number: true, value: ({exchanges}) => exchanges, show: ({exchanges}) => count(exchanges)},
      {label: 'Failed', number: true, value: ({failed}) => failed, show: ({failed, exchanges}) => (failed === 0 ? '' : mark(`${count(failed)} (${share(failed, exchanges)})`))},
      {label: 'Median', number: true, value: ({latency}) => latency.p50Ns, show: ({latency}) => time(latency.p50Ns)},
      {label: '90 %', number: true, value: ({latency}) => latency.p90Ns, show: ({latency}) => time(latency.p90Ns)},
      {label: '99 %', number: true, value: ({latency}) => latency.p99Ns, show: ({latency}) => time(latency.p99Ns)},
      {label: 'Longest', number: true, value: ({latency}) => latency.maxNs, show: ({latency}) => time(latency.maxNs)},
      {label: 'Distribution', value: ({latency}) => latency.p50Ns, show: ({latency}) => spark(latency)},
    ];
  }

  /** @param {string} title @param {readonly ExchangeRow[]} rows @param {string} note */
  function exchangeTable(title, rows, note) {
    if (rows.length === 0) return '';
    return section(title, note, [
      table(
        title,
        [
          {label: 'Began', value: ({startedMs}) => startedMs, show: ({startedMs}) => clock(startedMs)},
          {label: 'Took', number: true, value: ({totalNs}) => totalNs, show: ({totalNs}) => time(totalNs)},
          {label: 'Waited', number: true, value: ({waitNs}) => waitNs, show: ({waitNs}) => time(waitNs)},
          {label: 'Status', number: true, value: ({status}) => status, show: ({status, why}) => (why === undefined ? String(status ?? '') : mark(String(status ?? '–')))},
          {label: 'Host', wide: true, value: ({host}) => host},
          {label: 'Request', wide: true, value: ({method, target}) => `${method} ${target}`},
          {label: 'Process', value: ({process}) => process},
          {label: 'Side', value: ({side}) => side},
          ...(rows.some(({why}) => why !== undefined) ? [{label: 'Why', wide: true, value: (/** @type {ExchangeRow} */ {why}) => why}] : []),
        ],
        rows,
        {rows: 10},
      ),
    ]);
  }

  function processTable() {
    const {rows, others} = report.processes;
    if (rows.length === 0) return '';
    return section('Processes', '', [
      table(
        'Processes',
        [
          {label: 'Process', value: ({name, pid}) => (pid === 0 ? name : `${name}[${pid}]`)},
          {label: 'Command', wide: true, value: ({command}) => command},
          {label: 'Calls', number: true, value: ({calls}) => calls, show: ({calls}) => count(calls)},
          {label: 'Exchanges', number: true, value: ({exchanges}) => exchanges, show: ({exchanges}) => count(exchanges)},
          ...byteColumns(rows),
        ],
        rows.concat(others ?? []),
      ),
    ]);
  }

  function peerTable() {
    const {rows, others} = report.peers;
    if (rows.length === 0) return '';
    return section('Peers', 'A port of * stands for the ports of clients, which change with each connection.', [
      table(
        'Peers',
        [
          {label: 'Peer', wide: true, value: ({peer}) => peer},
          {label: 'Connections', number: true, value: ({connections}) => connections, show: ({connections}) => count(connections)},
          ...byteColumns(rows),
        ],
        rows.concat(others ?? []),
      ),
    ]);
  }

  /**
   * @param {readonly {bytesSent: number, bytesReceived: number}[]} rows
   * @returns {Column<any>[]}
   */
  function byteColumns(rows) {
    const most = Math.max(1, ...rows.flatMap(({bytesSent, bytesReceived}) => [bytesSent, bytesReceived]));
    return [
      {label: 'Sent', number: true, value: ({bytesSent}) => bytesSent, show: ({bytesSent}) => meter(bytesSent / most, bytes(bytesSent))},
      {label: 'Received', number: true, value: ({bytesReceived}) => bytesReceived, show: ({bytesReceived}) => meter(bytesReceived / most, bytes(bytesReceived))},
    ];
  }

  function warningList() {
    const {rows} = report.warnings;
    if (rows.length === 0) return '';
    const items = rows.map(({message, count: times}) => element('li', {}, [times > 1 ? `${message} (${count(times)} times)` : message]));
    return section('Warnings', '', [element('ul', {class: 'warnings'}, items)]);
  }

  function foot() {
    return element('footer', {}, [`Made by tls-kit ${report.session.tlsKit}. Times are UTC. This page holds all that it shows, and fetches nothing.`]);
  }

  // Tables.

  /**
   * A table that sorts by its heads and filters by its text.
   * @template Row
   * @param {string} name
   * @param {readonly Column<Row>[]} columns
   * @param {readonly Row[]} rows
   * @param {{rows?: number}} [options] how many rows to show before all are asked for
   * @returns {HTMLElement}
   */
  function table(name, columns, rows, {rows: shownRows = 12} = {}) {
    /** @type {{column: Column<Row> | undefined, isDown: boolean, words: string, isWhole: boolean}} */
    const state = {column: undefined, isDown: false, words: '', isWhole: false};
    const body = element('tbody', {}, []);
    const heads = columns.map((column) => {
      const button = element('button', {type: 'button'}, [column.label]);
      const cell = element('th', {scope: 'col', class: column.number ? 'number' : ''}, [button]);
      button.addEventListener('click', () => {
        state.isDown = state.column === column ? !state.isDown : column.number === true;
        state.column = column;
        for (const other of heads) other.removeAttribute('aria-sort');
        cell.setAttribute('aria-sort', state.isDown ? 'descending' : 'ascending');
        fill();
      });
      return cell;
    });
    const more = element('button', {type: 'button', class: 'all'}, []);
    more.addEventListener('click', () => {
      state.isWhole = !state.isWhole;
      fill();
    });
    const filter = element('input', {type: 'search', placeholder: 'Filter', 'aria-label': `Filter ${name.toLowerCase()}`}, []);
    filter.addEventListener('input', () => {
      state.words = /** @type {HTMLInputElement} */ (filter).value.toLowerCase();
      fill();
    });
    const fill = () => {
      const words = state.words.split(/\s+/).filter(Boolean);
      const matching = rows.filter((row) => {
        const text = columns.map(({value}) => value(row)).join(' ').toLowerCase();
        return words.every((word) => text.includes(word));
      });
      const {column} = state;
      const sorted = column ? [...matching].sort((a, b) => compare(column.value(a), column.value(b)) * (state.isDown ? -1 : 1)) : matching;
      const shown = state.isWhole ? sorted : sorted.slice(0, shownRows);
      body.replaceChildren(
        ...shown.map((row) =>
          element(
            'tr',
            {},
            columns.map((each) => element('td', {class: each.number ? 'number' : each.wide ? 'wide' : ''}, [each.show ? each.show(row) : String(each.value(row) ?? '')])),
          ),
        ),
      );
      more.hidden = sorted.length <= shownRows;
      more.textContent = state.isWhole ? `Show ${shownRows}` : `Show all ${count(sorted.length)}`;
    };
    fill();
    return element('div', {class: 'table'}, [
      ...(rows.length > 5 ? [element('div', {class: 'tools'}, [filter])] : []),
      element('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': name}, [
        element('table', {}, [
          element('caption', {}, [name]),
          element('thead', {}, [element('tr', {}, heads)]),
          body,
        ]),
      ]),
      more,
    ]);
  }

  /** @param {Value} a @param {Value} b */
  function compare(a, b) {
    if (typeof a === 'number' || typeof b === 'number') return (typeof a === 'number' ? a : -1) - (typeof b === 'number' ? b : -1);
    return String(a ?? '').localeCompare(String(b ?? ''));
  }

  // Charts.

  /**
   * @param {string} title @param {string} note @param {readonly (readonly [string, string])[]} colours
   * @param {(room: HTMLElement) => void} draw
   */
  function figure(title, note, colours, draw) {
    const room = element('div', {class: 'room', role: 'img', 'aria-label': `${title}. ${note}`}, []);
    charts.push(() => {
      room.replaceChildren();
      draw(room);
    });
    return element('figure', {}, [
      element('figcaption', {}, [element('h2', {}, [title]), element('p', {}, [note]), legend(colours)]),
      room,
    ]);
  }

  /** @param {readonly (readonly [string, string])[]} colours */
  function legend(colours) {
    return element(
      'p',
      {class: 'legend'},
      colours.flatMap(([label, colour]) => {
        const swatch = element('i', {}, []);
        swatch.style.background = `var(${colour})`;
        return [element('span', {}, [swatch, label])];
      }),
    );
  }

  /**
   * @param {HTMLElement} room
   * @param {{x: number[], widthS: number, stack: {label: string, colour: string, top: number[], own: number[]}[]}} data
   */
  function barChart(room, {x, widthS, stack}) {
    const bars = uPlot.paths.bars?.({size: [0.9, 40], align: 1});
    const series = stack.map(({label, colour, own}) => ({
      label,
      fill: colourOf(colour),
      width: 0,
      points: {show: false},
      ...(bars && {paths: bars}),
      value: (/** @type {uPlot} */ _, /** @type {number} */ __, /** @type {number} */ ___, /** @type {number | null} */ at) => (at === null ? '' : count(own[at] ?? 0)),
    }));
    const end = (x.at(-1) ?? 0) + widthS;
    plot(room, [x, ...stack.map(({top}) => top)], series, {format: count, range: [x[0] ?? 0, end]});
  }

  /**
   * @param {HTMLElement} room @param {number[]} x
   * @param {{label: string, colour: string, values: (number | null)[]}[]} lines
   * @param {(value: number) => string} format
   */
  function lineChart(room, x, lines, format) {
    const series = lines.map(({label, colour}) => ({
      label,
      stroke: colourOf(colour),
      width: 1.75,
      spanGaps: false,
      points: {size: 4},
      value: (/** @type {uPlot} */ _, /** @type {number | null} */ value) => (value === null ? '' : format(value)),
    }));
    plot(room, [x, ...lines.map(({values}) => values)], series, {format, range: [x[0] ?? 0, Math.max(x.at(-1) ?? 0, (x[0] ?? 0) + 1e-3)]});
  }

  /** @param {HTMLElement} room @param {LatencyFigures} latency */
  function distributionChart(room, {distribution}) {
    const [first, last] = edgesOf(distribution);
    const shown = distribution.slice(first, last + 1);
    const x = shown.map((_, index) => index);
    const bars = uPlot.paths.bars?.({size: [0.86, 60]});
    const series = [{label: 'exchanges', fill: colourOf('--ok'), width: 0, points: {show: false}, ...(bars && {paths: bars})}];
    const name = (/** @type {number} */ index) => {
      const edge = report.edgesNs[first + index];
      return edge === undefined ? 'more' : `≤ ${time(edge).replace('.00', '').replace('.0', '')}`;
    };
    plot(room, [x, shown], series, {format: count, range: [-0.6, Math.max(shown.length - 0.4, 0.6)], names: name});
  }

  /**
   * @param {HTMLElement} room
   * @param {(number | null)[][]} data
   * @param {uPlot.Series[]} series
   * @param {{format: (value: number) => string, range: [number, number], names?: (index: number) => string}} options
   */
  function plot(room, data, series, {format, range, names}) {
    const text = colourOf('--quiet');
    const grid = {stroke: colourOf('--grid'), width: 1};
    const font = '12px system-ui, sans-serif';
    const axis = {stroke: text, grid, ticks: {show: false}, font};
    const below = {...axis, grid: {show: false}, size: 32};
    const splits = (data[0] ?? []).map(Number);
    new uPlot(
      {
        width: room.clientWidth || 560,
        height: 220,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'UTC'),
        legend: {live: true},
        cursor: {y: false, drag: {x: false, y: false}},
        scales: {x: {time: names === undefined, range}, y: {range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1]}},
        axes: [
          names
            ? {...below, splits: () => splits, values: (_, values) => values.map((value, at) => (splits.length > 9 && at % 3 !== 2 ? '' : names(value)))}
            : {...below, space: 90, values: (_, values) => values.map((value) => clock(value * 1000).replace(/\.\d+$/, ''))},
          {...axis, size: 70, values: (_, values) => values.map(format)},
        ],
        series: [
          {label: names ? 'took' : 'UTC', value: (_, value) => (value === null ? '' : names ? names(value) : clock(value * 1000))},
          ...series,
        ],
      },
      /** @type {uPlot.AlignedData} */ (data),
      room,
    );
  }

  /** A small distribution, to stand in a table. @param {LatencyFigures} latency */
  function spark({distribution}) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('class', 'spark');
    svg.setAttribute('viewBox', `0 0 ${report.edgesNs.length + 1} 10`);
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.setAttribute('aria-hidden', 'true');
    const most = Math.max(1, ...distribution);
    distribution.forEach((value, index) => {
      if (value === 0) return;
      const bar = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
      const height = Math.max(0.6, (value / most) * 10);
      for (const [key, number] of Object.entries({x: index, y: 10 - height, width: 0.85, height})) bar.setAttribute(key, String(number));
      svg.append(bar);
    });
    return svg;
  }

  /** The first and the last class that hold something. @param {readonly number[]} distribution @returns {[number, number]} */
  function edgesOf(distribution) {
    const first = distribution.findIndex((value) => value > 0);
    const last = distribution.findLastIndex((value) => value > 0);
    return first < 0 ? [0, 0] : [first, last];
  }

  function redrawWhenColoursChange() {
    const draw = () => {
      for (const each of charts) each();
    };
    for (const query of ['(prefers-color-scheme: dark)', 'print']) matchMedia(query).addEventListener('change', draw);
    let width = innerWidth;
    addEventListener('resize', () => {
      if (innerWidth === width) return;
      width = innerWidth;
      draw();
    });
  }

  // Elements.

  /**
   * @template {keyof HTMLElementTagNameMap} Name
   * @param {Name} name
   * @param {Record<string, string>} attributes
   * @param {readonly (string | Node)[]} children
   * @returns {HTMLElementTagNameMap[Name]}
   */
  function element(name, attributes, children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) if (value !== '') made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  /** @param {string} title @param {string} note @param {readonly (string | Node)[]} children */
  function section(title, note, children) {
    return element('section', {'aria-label': title}, [element('h2', {}, [title]), ...(note === '' ? [] : [element('p', {class: 'note'}, [note])]), ...children]);
  }

  /** @param {HTMLElement} bar @param {number} left 0 to 1 @param {number} width 0 to 1 */
  function place(bar, left, width) {
    bar.style.left = `${100 * left}%`;
    bar.style.width = `${100 * width}%`;
  }

  /** @param {string} text */
  function mark(text) {
    return element('span', {class: 'bad'}, [text]);
  }

  /** @param {number} part 0 to 1 @param {string} text */
  function meter(part, text) {
    const bar = element('i', {}, []);
    bar.style.width = `${100 * part}%`;
    return element('span', {class: 'meter'}, [bar, text]);
  }

  /** @param {string} name */
  function colourOf(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  // Numbers for people.

  /** @param {number} value */
  function count(value) {
    return value.toLocaleString('en-US');
  }

  /** @param {number} part @param {number} whole */
  function share(part, whole) {
    return whole === 0 ? '' : `${((100 * part) / whole).toFixed(part / whole < 0.1 ? 1 : 0)} %`;
  }

  /** @param {number | undefined} ns */
  function time(ns) {
    if (ns === undefined) return '–';
    const [unit, name] = ns >= 6e10 ? [6e10, 'min'] : ns >= 1e9 ? [1e9, 's'] : ns >= 1e6 ? [1e6, 'ms'] : [1e3, 'µs'];
    const value = ns / unit;
    return `${value >= 99.5 ? Math.round(value) : value.toPrecision(3)} ${name}`;
  }

  /** @param {number} ms */
  function duration(ms) {
    return ms === 0 ? '0' : time(ms * 1e6);
  }

  /** @param {number | undefined} ns */
  function milliseconds(ns) {
    return ns === undefined ? null : ns / 1e6;
  }

  /** @param {number} value */
  function bytes(value) {
    const power = Math.min(4, Math.floor(Math.log2(Math.max(value, 1)) / 10));
    return power === 0 ? `${Math.round(value)} B` : `${(value / 1024 ** power).toFixed(1)} ${['', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
  }

  /** @param {number} ms */
  function utc(ms) {
    return new Date(ms).toISOString().replace('T', ' ').replace('Z', ' UTC');
  }

  /** @param {number} ms */
  function clock(ms) {
    return new Date(ms).toISOString().slice(11, 23);
  }
})();
