// The page at /, looked at and clicked through.
// usage: node page.mjs BROWSER SHOWN LOWPORT
import assert from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { startBrowser, until as awaitThat } from '../support/devtools.mjs'

const [browser, shown, lowport] = process.argv.slice(2)

const complaints = [] // of the browser
let loads = 0, dialogs = 0
const asked = []
const { tell, inPage, close } = await startBrowser(browser, (method, params) => {
	if (method === 'Page.loadEventFired')
		loads++
	else if (method === 'Page.javascriptDialogOpening')
		dialogs++
	else if (method === 'Network.requestWillBeSent')
		asked.push(params.request.url)
	else if (method === 'Runtime.exceptionThrown')
		complaints.push(params.exceptionDetails.exception?.description)
	else if (method === 'Log.entryAdded' && params.entry.source !== 'network')
		complaints.push(params.entry.text)
})
const until = (what, holds) => awaitThat(what, holds, async () =>
	`browser: ${complaints.join('; ')}; page: ${await inPage('document.body.innerText')}`)

// Starts a program; says(pattern) waits for what it says on standard error.
const children = []
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')))
function start(program, ...args) {
	const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
	let said = ''
	child.stderr.setEncoding('utf8').on('data', (text) => { said += text })
	children.push(child)
	return {
		child,
		async says(pattern) {
			let found
			await awaitThat(`${args[0]} says ${pattern}`, () => (found = said.match(pattern)), () => said)
			return found[1]
		},
		async end(signal = 'SIGTERM') {
			const gone = once(child, 'exit')
			child.kill(signal)
			const [status] = await gone
			assert.ok(signal !== 'SIGTERM' || status === 0, `status ${status}: ${said}`)
		},
	}
}

const text = (selector) => inPage(`document.querySelector('${selector}')?.textContent`)
const column = (table, n) => inPage(`[...document.querySelectorAll('#${table} tbody tr')]
	.map((tr) => tr.cells[${n}]?.textContent)`)
const look = (width, height, scheme) => Promise.all([
	tell('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 500 }),
	tell('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] })])

// A click as a finger makes it: at a place on the screen.
async function click(selector) {
	const { x, y } = await inPage(`(() => {
		const e = document.querySelector('${selector}')
		e.scrollIntoView({ block: 'center' })
		const r = e.getBoundingClientRect()
		return { x: r.x + r.width / 2, y: r.y + r.height / 2 }
	})()`)
	for (const type of ['mousePressed', 'mouseReleased'])
		await tell('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 })
}

// --- made up numbers ----------------------------------------------------------

const made = start(shown, '127.0.0.1:0')
const where = await made.says(/serving (\S+)/)
await look(1100, 900, 'light')
await tell('Page.navigate', { url: `http://${where}/` })
await until('it says that it serves', async () => await text('#state') === 'serving')
await until('there are relays', async () => (await column('listeners', 0)).length === 4)

// A name is a name, whatever is in it.
const evil = '<img src=x onerror=alert(1)>'
for (const table of ['listeners', 'backends', 'connections'])
	assert.ok((await column(table, table === 'connections' ? 1 : 0)).includes(evil), table)
assert.ok((await column('backends', 1)).includes('unix:/run/app/<i>app</i>.sock'))
assert.equal(await inPage("document.querySelectorAll('main img, main i:not(.key)').length"), 0)
await assert.rejects(inPage("document.body.innerHTML = '<b>x</b>'"), /TrustedHTML/)
complaints.length = 0
console.log('ok: names are text, and markup is refused')

assert.deepEqual(await column('listeners', 3), ['paused', 'dead', 'open', 'open'])
assert.ok((await column('backends', 9)).includes('Connection refused'))
assert.ok((await column('backends', 2)).includes('untried'))
assert.ok((await column('connections', 2)).includes('client-ended'))
assert.equal(await text('#version'), '1.2.3')
assert.ok(!(await inPage('document.body.innerText')).match(/undefined|NaN|null/))

// Numbers and the plot move.
const accepted = await text('#accepted')
await until('numbers move', async () => await text('#accepted') !== accepted)
await until('there is a rate', async () => /^\d.*\skB\/s$/.test(await text('#up')))
const line = () => inPage("document.querySelector('#plot .line.down')?.getAttribute('d')")
await until('there is a plot', async () => (await line())?.split('L').length > 2)
const before = await line()
await until('it moves', async () => await line() !== before)
assert.match(await text('#plot'), /MB\/s.*2 min ago/)

// A click on the head of a column sorts by it, another one the other way.
const ids = () => column('connections', 0)
const byAge = await ids()
await click('#connections th:nth-child(9) button')
const byDown = await ids()
assert.notDeepEqual(byDown, byAge)
assert.equal(await inPage("document.querySelector('#connections th:nth-child(9)').ariaSort"), 'descending')
await click('#connections th:nth-child(9) button')
assert.deepEqual(await ids(), byDown.toReversed?.() ?? [...byDown].reverse())
await click('#connections th:nth-child(4) button')
const clients = await column('connections', 3)
assert.deepEqual(clients, [...clients].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })))
const looksBefore = await text('#accepted')
await until('the next look comes', async () => await text('#accepted') !== looksBefore)
assert.deepEqual(await column('connections', 3), clients)
console.log('ok: connections are sorted as they were clicked')

await inPage("(() => { const f = document.querySelector('#filter'); f.value = '192.0.2.38'; f.dispatchEvent(new Event('input')) })()")
assert.deepEqual(await column('connections', 0), ['2'])
assert.equal(await text('#shown'), '1 of 12')
await inPage("(() => { const f = document.querySelector('#filter'); f.value = ''; f.dispatchEvent(new Event('input')) })()")

// Dark, light, and as narrow as a phone.
function contrast(a, b) {
	const [la, lb] = [a, b].map((color) => {
		const [r, g, bl] = color.match(/[\d.]+/g).slice(0, 3).map((c) => c / 255)
			.map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
		return 0.2126 * r + 0.7152 * g + 0.0722 * bl
	})
	return (Math.max(la, lb) + 0.05) / (Math.min(la, lb) + 0.05)
}

const grounds = {}
for (const scheme of ['light', 'dark'])
	for (const width of [360, 768, 1400]) {
		await look(width, 800, scheme)
		await until(`${scheme}, ${width} px: nothing hangs over`, () => inPage(
			`innerWidth === ${width} && document.documentElement.scrollWidth <= ${width}`))
		grounds[scheme] = await inPage('getComputedStyle(document.documentElement).backgroundColor')
		const pale = (await inPage(`[...document.querySelectorAll('h1, h2, small, dt, dd, td, th button, .pill, a, figcaption, label')]
			.filter((e) => e.textContent.trim() && e.getClientRects().length)
			.map((e) => {
				let ground = e
				while (ground.parentElement && getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)')
					ground = ground.parentElement
				return [e.textContent, getComputedStyle(e).color, getComputedStyle(ground).backgroundColor]
			})`)).filter(([, ink, ground]) => contrast(ink, ground) < 4.5)
		assert.deepEqual(pale, [], `${scheme}, ${width}`)
	}
assert.notEqual(grounds.light, grounds.dark)
await look(360, 800, 'light')
assert.ok(await inPage("[...document.querySelectorAll('#connections td')].every((td) => td.getBoundingClientRect().right <= 360)"))
await click('#connections th:nth-child(1) button')
await click('#connections th:nth-child(1) button')
assert.deepEqual((await ids()).slice(0, 3), ['1', '2', '3'])
console.log('ok: a phone sorts too')

// It says so when nobody answers, and comes back by itself.
made.child.kill('SIGSTOP')
await until('it says that it takes too long', async () =>
	/does not answer.*too long/.test(await inPage("document.querySelector('#silence:not([hidden])')?.textContent")))
made.child.kill('SIGCONT')
await until('it is well again', () => inPage("document.querySelector('#silence').hidden"))
await made.end()
await until('it says that nobody is there', async () =>
	/does not answer.*cannot be reached/.test(await inPage("document.querySelector('#silence:not([hidden])')?.textContent")))
assert.equal(await text('#state'), 'no answer')
const again = start(shown, where, '--draining')
await again.says(/serving (\S+)/)
await until('it finds the next one', async () => await text('#state') === 'draining')
assert.ok(await inPage("document.querySelector('#silence').hidden"))
assert.equal(loads, 1)
await again.end()

// Thousands of connections.
const crowd = start(shown, where, '--connections', '20000')
await crowd.says(/serving (\S+)/)
await until('of many the first are shown', async () => await text('#shown') === '200 of 20,000')
await crowd.end()

// --- a lowport that relays ----------------------------------------------------

const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))
echo.listen(0, '127.0.0.1')
await once(echo, 'listening')
// Root has to become somebody.
const ordinary = process.getuid() === 0 ? ['--user', '65534:65534'] : []
const relay = start(lowport, 'run', ...ordinary, '--listen', '127.0.0.1:0', '--to',
	`127.0.0.1:${echo.address().port}`, '--http', '127.0.0.1:0')
const port = await relay.says(/listening on \S+:(\d+)/)
const page = await relay.says(/status over HTTP at (\S+)/)
await tell('Page.navigate', { url: page })
await until('it serves', async () => await text('#state') === 'serving')
assert.deepEqual(await column('listeners', 1), [`127.0.0.1:${port}`])
assert.deepEqual(await column('backends', 1), [`127.0.0.1:${echo.address().port}`])
assert.equal(await text('#accepted'), '0')
const client = connect(port, '127.0.0.1')
await once(client, 'connect')
await until('a client is counted', async () => await text('#accepted') === '1' &&
	(await text('#open'))?.startsWith('1'))
await until('the client is in the table', async () =>
	(await column('connections', 3))[0] === `127.0.0.1:${client.localPort}`)
client.resume().write('x'.repeat(1000000))
await until('so are its bytes', async () =>
	/^1(\.0+)?\sMB$/.test((await column('connections', 7))[0]))
await until('the plot has moved', async () => /[kM]B\/s/.test(await text('#plot')))
client.end()
await once(client, 'close')
await until('and its end', async () => (await text('#ended tr:first-child')) === 'done1')
echo.close()
await relay.end()

// It asked its own server and nobody else, and the browser has seen no wrong.
for (const url of asked)
	assert.ok([new URL(`http://${where}/`).host, new URL(page).host].includes(new URL(url).host) ||
		url.startsWith('data:'), url)
assert.equal(dialogs, 0)
assert.deepEqual(complaints, [])
await close()
process.exit(0)
