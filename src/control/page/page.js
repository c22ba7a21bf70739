'use strict'
// Everything that comes from the server is shown as text: nothing here makes
// markup of it, and the page's policy would not let it.

const EVERY_MS = 1000       // a look
const PATIENCE_MS = 5000    // for one
const SPAN_S = 120          // what the plot shows
const MANY = 500            // so many connections are fetched more rarely:
const MANY_EVERY = 5        // each so many looks
const ROWS_MOST = 200

const $ = (id) => document.getElementById(id)

function make(name, className, text) {
	const e = document.createElement(name)
	if (className)
		e.className = className
	if (text !== undefined)
		e.textContent = text
	return e
}

function put(e, text) {
	if (e.textContent !== text)
		e.textContent = text
}

// --- numbers ----------------------------------------------------------------

const count = (n) => n.toLocaleString('en')

function scaled(n) {
	let unit = 0
	while (n >= 999.5 && unit < 5) {
		n /= 1000
		unit++
	}
	return (unit === 0 ? n.toFixed(0) : n.toPrecision(3)) +
		['\u00a0B', '\u00a0kB', '\u00a0MB', '\u00a0GB', '\u00a0TB', '\u00a0PB'][unit]
}

const rate = (n) => n === null ? '-' : `${scaled(n)}/s`

function time(ms) {
	const s = Math.floor(ms / 1000), m = Math.floor(s / 60), h = Math.floor(m / 60)
	if (s < 60)
		return `${s}\u00a0s`
	if (m < 60)
		return `${m}\u00a0min ${s % 60}\u00a0s`
	if (h < 24)
		return `${h}\u00a0h ${m % 60}\u00a0min`
	return `${Math.floor(h / 24)}\u00a0d ${h % 24}\u00a0h`
}

// --- rates ------------------------------------------------------------------

// Bytes a second of all that has a key, between this answer and the last.
class Rates {
	constructor() {
		this.last = new Map()
		this.atMs = 0
	}

	// items: [key, bytes]. Returns a map; null where there is nothing to compare.
	next(items, atMs) {
		const spanS = (atMs - this.atMs) / 1000
		const now = new Map(items), rates = new Map()
		for (const [key, bytes] of now) {
			const before = this.last.get(key)
			rates.set(key, before === undefined || spanS <= 0 || bytes < before
				? null : (bytes - before) / spanS)
		}
		this.last = now
		this.atMs = atMs
		return rates
	}
}

// --- tables -----------------------------------------------------------------

const pills = {
	open: 'good', held: 'slow', paused: 'slow', dead: 'bad',
	up: 'good', down: 'bad', untried: 'wait',
}

// columns: { title, of: row => value to sort by, show: value, row => text, ... }
class Table {
	constructor(id, nothing, columns, sort) {
		this.table = $(id)
		this.columns = columns
		this.nothing = nothing
		this.rows = []
		this.by = sort
		// On a phone it is not laid out as a table, but still is one.
		this.table.setAttribute('role', 'table')
		const head = make('tr')
		head.setAttribute('role', 'row')
		this.heads = columns.map((column, i) => {
			const th = make('th', column.number ? 'number' : ''), b = make('button', '', column.title)
			th.scope = 'col'
			th.setAttribute('role', 'columnheader')
			b.type = 'button'
			b.addEventListener('click', () => this.sort(i))
			th.append(b)
			head.append(th)
			return th
		})
		this.body = make('tbody')
		const thead = make('thead')
		thead.append(head)
		this.table.append(thead, this.body)
		this.mark()
	}

	sort(i) {
		const up = this.by.column === i ? !this.by.up : !this.columns[i].number
		this.by = { column: i, up }
		this.mark()
		this.draw()
	}

	mark() {
		this.heads.forEach((th, i) => {
			if (i === this.by.column)
				th.setAttribute('aria-sort', this.by.up ? 'ascending' : 'descending')
			else
				th.removeAttribute('aria-sort')
		})
	}

	sorted() {
		const { of, number } = this.columns[this.by.column], sign = this.by.up ? 1 : -1
		return this.rows.map((row, i) => ({ row, i, key: of(row) })).sort((a, b) => {
			const order = number ? (a.key ?? -1) - (b.key ?? -1)
				: String(a.key ?? '').localeCompare(String(b.key ?? ''), 'en', { numeric: true })
			return sign * order || a.i - b.i
		}).map(({ row }) => row)
	}

	line(at) {
		const tr = this.body.rows[at] || this.body.appendChild(make('tr'))
		if (tr.cells.length === this.columns.length)
			return tr
		tr.setAttribute('role', 'row')
		tr.replaceChildren(...this.columns.map((column) => {
			const td = make('td', column.number ? 'number' : column.long ? 'text long' : 'text')
			td.setAttribute('role', 'cell')
			td.dataset.label = column.title
			return td
		}))
		return tr
	}

	draw(rows) {
		this.rows = rows || this.rows
		const shown = this.sorted().slice(0, ROWS_MOST)
		shown.forEach((row, at) => {
			const tr = this.line(at)
			this.columns.forEach((column, i) => this.cell(tr.cells[i], column, row))
		})
		while (this.body.rows.length > shown.length)
			this.body.lastChild.remove()
		if (shown.length === 0) {
			const td = make('td', 'nothing', this.nothing)
			td.colSpan = this.columns.length
			this.body.appendChild(make('tr')).append(td)
		}
		return shown.length
	}

	cell(td, column, row) {
		const value = column.of(row)
		const text = column.show ? column.show(value, row) : String(value ?? '-')
		if (!column.pill)
			return put(td, text)
		if (!td.firstElementChild)
			td.append(make('span', 'pill'))
		put(td.firstElementChild, text)
		td.firstElementChild.dataset.is = pills[value] || 'wait'
	}
}

const listeners = new Table('listeners', 'There is no listener.', [
	{ title: 'relay', of: (l) => l.relay, long: true },
	{ title: 'address', of: (l) => l.address },
	{ title: 'asked for as', of: (l) => l.from },
	{ title: 'state', of: (l) => l.state, pill: true },
], { column: 0, up: true })

const backends = new Table('backends', 'There is no backend.', [
	{ title: 'relay', of: (b) => b.relay, long: true },
	{ title: 'backend', of: (b) => b.address, long: true },
	{ title: 'health', of: (b) => b.health, pill: true },
	{ title: 'open', of: (b) => b.open, show: count, number: true },
	{ title: 'taken', of: (b) => b.total, show: count, number: true },
	{ title: 'failed', of: (b) => b.failed, show: count, number: true },
	{ title: 'up', of: (b) => b.up, show: scaled, number: true },
	{ title: 'down', of: (b) => b.down, show: scaled, number: true },
	{ title: 'rate', of: (b) => b.rate, show: rate, number: true },
	{ title: 'last error', of: (b) => b.error, long: true },
], { column: 0, up: true })

const connections = new Table('connections', 'None.', [
	{ title: 'id', of: (c) => c.id, number: true },
	{ title: 'relay', of: (c) => c.relay, long: true },
	{ title: 'phase', of: (c) => c.phase },
	{ title: 'client', of: (c) => c.client },
	{ title: 'backend', of: (c) => c.backend, long: true },
	{ title: 'age', of: (c) => c.age_ms, show: time, number: true },
	{ title: 'idle', of: (c) => c.idle_ms, show: time, number: true },
	{ title: 'up', of: (c) => c.up, show: scaled, number: true },
	{ title: 'down', of: (c) => c.down, show: scaled, number: true },
	{ title: 'rate', of: (c) => c.rate, show: rate, number: true },
], { column: 5, up: true })

// A row for each reason, its bar as long as its share.
function bars(table, reasons) {
	const all = Object.entries(reasons)
	const most = Math.max(1, ...all.map(([, n]) => n))
	all.forEach(([name, n], i) => {
		let tr = table.rows[i]
		if (!tr) {
			tr = table.insertRow()
			const track = make('td', 'track')
			track.append(make('div', 'bar'))
			tr.append(make('td'), make('td', 'number'), track)
		}
		put(tr.cells[0], name)
		put(tr.cells[1], count(n))
		tr.cells[2].firstChild.style.width = `${100 * n / most}%`
		tr.className = n === 0 ? 'none' : ''
	})
	while (table.rows.length > all.length)
		table.deleteRow(-1)
}

// --- the plot ---------------------------------------------------------------

const samples = [] // { atS, up, down }; rates null: nobody knows
const svg = $('plot')

function shape(name, attributes, text) {
	const e = document.createElementNS('http://www.w3.org/2000/svg', name)
	for (const [key, value] of Object.entries(attributes))
		e.setAttribute(key, value)
	if (text !== undefined)
		e.textContent = text
	return e
}

// The next 1, 2 or 5 with zeroes behind it.
function round(n) {
	const ten = 10 ** Math.floor(Math.log10(n))
	return [1, 2, 5, 10].find((f) => f * ten >= n * 0.999) * ten
}

// Runs of points that belong together.
function runs(key) {
	const all = [[]]
	for (const point of samples) {
		if (point[key] === null)
			all.push([])
		else
			all.at(-1).push(point)
	}
	return all.filter((run) => run.length > 0)
}

function plot() {
	const width = svg.clientWidth || 600, height = svg.clientHeight || 200
	const left = 70, right = width - 8, top = 10, bottom = height - 24
	const nowS = performance.now() / 1000
	const known = samples.filter((p) => p.up !== null)
	const most = round(Math.max(1000, ...known.map((p) => Math.max(p.up, p.down))))
	const x = (s) => (right - (nowS - s) / SPAN_S * (right - left)).toFixed(1)
	const y = (n) => (bottom - n / most * (bottom - top)).toFixed(1)
	const parts = []

	for (const share of [0, 0.5, 1]) {
		const at = y(most * share)
		parts.push(shape('line', { class: 'grid', x1: left, x2: right, y1: at, y2: at }))
		parts.push(shape('text', { x: left - 8, y: +at + 4, 'text-anchor': 'end' }, rate(most * share)))
	}
	for (const [s, anchor, text] of [[SPAN_S, 'start', '2 min ago'], [SPAN_S / 2, 'middle', '1 min'], [0, 'end', 'now']])
		parts.push(shape('text', { x: x(nowS - s), y: height - 6, 'text-anchor': anchor }, text))
	for (const key of ['down', 'up'])
		for (const run of runs(key)) {
			const points = run.map((p) => `${x(p.atS)},${y(p[key])}`)
			const d = 'M' + points.join('L') + (points.length === 1 ? 'h.1' : '')
			if (key === 'down')
				parts.push(shape('path', { class: 'area', d: `${d}L${x(run.at(-1).atS)},${bottom}L${x(run[0].atS)},${bottom}Z` }))
			parts.push(shape('path', { class: `line ${key}`, d }))
		}
	const last = samples.at(-1)
	const text = $('plot-text')
	put(text, last && last.up !== null ? `Two minutes of traffic; now ${rate(last.down)} ` +
		`to clients and ${rate(last.up)} to backends` : 'Traffic of the last two minutes')
	svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
	svg.replaceChildren(text, ...parts)
}

function remember(up, down) {
	const atS = performance.now() / 1000
	samples.push({ atS, up, down })
	while (samples[0].atS < atS - SPAN_S)
		samples.shift()
	plot()
}

// --- an answer --------------------------------------------------------------

const whole = new Rates(), ofBackends = new Rates(), ofConnections = new Rates()
let listedNow = [] // connections, as they were listed last
let processId = 0

function showState(text, is) {
	put($('state'), text)
	$('state').dataset.is = is
}

function showFacts(s) {
	const facts = [`up ${time(s.uptime_ms)}`, `pid ${s.pid}`]
	if (s.workers > 1)
		facts.push(`${s.workers} threads`)
	facts.push(s.config ?? 'command line')
	if (s.reloads > 0)
		facts.push(`${count(s.reloads)} reloads`)
	if (s.reloads_refused > 0)
		facts.push(`${count(s.reloads_refused)} reloads refused`)
	if (s.log_lines_dropped > 0)
		facts.push(`${count(s.log_lines_dropped)} log lines lost`)
	put($('facts'), facts.join(' \u00b7 '))
	put($('version'), s.version)
	const dead = s.relays.every((r) => r.listeners.every((l) => l.state === 'dead'))
	if (s.draining)
		showState('draining', 'slow')
	else if (dead)
		showState('no listener', 'bad')
	else
		showState('serving', 'good')
	document.title = `${count(s.stats.open)} open \u00b7 lowport`
}

function showTotals(s) {
	const t = s.stats, rates = whole.next([['up', t.up], ['down', t.down]], s.uptime_ms)
	put($('open'), count(t.open) + (s.connections_most > 0 ? ` / ${count(s.connections_most)}` : ''))
	put($('accepted'), count(t.accepted))
	put($('up'), rate(rates.get('up')))
	put($('down'), rate(rates.get('down')))
	put($('waiting'), count(t.waiting))
	put($('refused'), count(t.refused + t.turned_away))
	bars($('ended'), t.ended)
	bars($('refusals'), { ...t.refused_for, 'too many wait': t.turned_away })
	remember(rates.get('up'), rates.get('down'))
}

function showRelays(s) {
	const all = s.relays.flatMap((r, i) => r.backends.map((b, j) =>
		({ ...b, relay: r.name, key: `${i} ${j} ${r.name} ${b.address}` })))
	const rates = ofBackends.next(all.map((b) => [b.key, b.up + b.down]), s.uptime_ms)
	for (const b of all)
		b.rate = rates.get(b.key)
	backends.draw(all)
	listeners.draw(s.relays.flatMap((r) => r.listeners.map((l) => ({ ...l, relay: r.name }))))
}

function showConnections() {
	const words = $('filter').value.trim().toLowerCase()
	const chosen = words === '' ? listedNow : listedNow.filter((c) =>
		[c.relay, c.phase, c.client, c.local, c.backend].some((text) =>
			String(text ?? '').toLowerCase().includes(words)))
	const shown = connections.draw(chosen)
	put($('shown'), shown < listedNow.length ? `${count(shown)} of ${count(listedNow.length)}` : '')
}

function show(s, listed) {
	if (s.pid !== processId) {
		processId = s.pid
		for (const rates of [whole, ofBackends, ofConnections])
			rates.last = new Map()
	}
	showFacts(s)
	showTotals(s)
	showRelays(s)
	if (!listed || !s.connections)
		return
	listedNow = s.connections
	const rates = ofConnections.next(listedNow.map((c) => [c.id, c.up + c.down]), s.uptime_ms)
	for (const c of listedNow)
		c.rate = rates.get(c.id)
	showConnections()
}

// --- looking ----------------------------------------------------------------

let since = new Date().toLocaleTimeString('en-GB') // it was heard
let looks = 0, openNow = 0

function silent(why) {
	put($('silence'), `lowport does not answer since ${since} (${why}). Trying again each second.`)
	$('silence').hidden = false
	$('main').classList.add('stale')
	showState('no answer', 'bad')
	remember(null, null)
}

async function look() {
	const listed = openNow <= MANY || looks % MANY_EVERY === 0
	looks++
	let s
	try {
		const answer = await fetch(listed ? 'status.json' : 'status.json?connections=0',
			{ cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) })
		if (!answer.ok)
			return silent((await answer.text()).trim() || `status ${answer.status}`)
		s = await answer.json()
	} catch (e) {
		return silent(e.name === 'TimeoutError' ? 'it takes too long' : 'it cannot be reached')
	}
	since = new Date().toLocaleTimeString('en-GB')
	$('silence').hidden = true
	$('main').classList.remove('stale')
	openNow = s.stats.open
	show(s, listed)
}

async function keepLooking() {
	const beganMs = performance.now()
	await look()
	setTimeout(keepLooking, Math.max(0, EVERY_MS - (performance.now() - beganMs)))
}

$('filter').addEventListener('input', showConnections)
addEventListener('resize', plot)
keepLooking()
