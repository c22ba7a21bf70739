// A page under hot reload, in a real browser, seen over the DevTools protocol.
// Runs in the folder of the Vite project.
// usage: node browser.mjs BROWSER URL COMMAND-THAT-STARTS-VITE-AGAIN
import assert from 'node:assert'
import { execSync, spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

const [browser, url, again] = process.argv.slice(2)
const patienceMs = 15000
const idleMs = 5000

const chromium = spawn(browser, ['--remote-debugging-pipe', '--no-sandbox',
	'--disable-gpu', '--disable-dev-shm-usage', '--no-proxy-server',
	`--user-data-dir=${mkdtempSync(process.env.HOME + '/browser-')}`,
	'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
const [toBrowser, fromBrowser] = chromium.stdio.slice(3)
process.on('exit', () => chromium.kill())

// One JSON text after another, each with a 0 behind it.
let lastId = 0, rest = ''
const waiting = new Map()
fromBrowser.setEncoding('utf8').on('data', (text) => {
	const messages = (rest + text).split('\0')
	rest = messages.pop()
	for (const { id, result, error, method, params } of messages.map(JSON.parse)) {
		if (!id) {
			heard(method, params)
			continue
		}
		const { resolve, reject } = waiting.get(id)
		error ? reject(new Error(error.message)) : resolve(result)
	}
})

let sessionId
function tell(method, params = {}) {
	const id = ++lastId

	toBrowser.write(JSON.stringify({ id, method, params, sessionId }) + '\0')
	return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
}

const sockets = new Map() // by the browser's id: { url, open, frames }
let loads = 0
function heard(method, { requestId, url, response }) {
	const socket = sockets.get(requestId)

	if (method === 'Page.loadEventFired')
		loads++
	else if (method === 'Network.webSocketCreated')
		sockets.set(requestId, { url, open: false, frames: 0 })
	else if (method === 'Network.webSocketHandshakeResponseReceived')
		socket.open = response.status === 101
	else if (method === 'Network.webSocketFrameReceived')
		socket.frames++
	else if (method === 'Network.webSocketClosed')
		socket.open = false
}

async function until(what, holds) {
	for (const start = Date.now(); Date.now() - start < patienceMs; await pause(50))
		if (await holds())
			return console.log(`ok: ${what}`)
	const said = await inPage('document.documentElement.outerHTML')
	assert.fail(`not so: ${what}; sockets: ` +
		`${JSON.stringify([...sockets.values()])}; page: ${said}`)
}

async function inPage(expression) {
	const { result } = await tell('Runtime.evaluate', { expression })
	return result.value
}

const says = async (words) =>
	await inPage("document.querySelector('#said')?.textContent") === words
const open = () => [...sockets.values()].filter((s) => s.open)
const edit = (words) =>
	writeFileSync('words.js', `export const words = '${words}'\n`)

const { targetId } = await tell('Target.createTarget', { url: 'about:blank' });
({ sessionId } = await tell('Target.attachToTarget', { targetId, flatten: true }))
for (const domain of ['Page', 'Network', 'Runtime'])
	await tell(`${domain}.enable`)
await tell('Page.navigate', { url })

await until('the page loads', () => says('first'))
await until('its WebSocket is open', () => open().length === 1)
const [hot] = open()
await until('Vite has said hello on it', () => hot.frames > 0)
await inPage('window.marker = true')
edit('second')
await until('an edit is shown', () => says('second'))
await pause(idleMs)
edit('third')
await until(`and another after ${idleMs / 1000} s of silence`, () => says('third'))
assert.ok(await inPage('window.marker'), 'the page was loaded anew')
assert.ok(hot.open, 'the WebSocket was closed')
assert.equal(sockets.size, 1, 'there was a second WebSocket')
assert.equal(loads, 1)

execSync("kill $(ss -Hltnp 'sport = :5173' | sed 's/.*pid=\\([0-9]*\\).*/\\1/')")
await until('the page sees that Vite has ended', () => !hot.open)
edit('fourth')
spawn(again, { shell: true, stdio: 'ignore', detached: true }).unref()
await until('the page comes back with Vite', () => says('fourth'))
assert.ok(!await inPage('window.marker'), 'this is the old page')
await until('and has a WebSocket again', () => open().length === 1)
edit('fifth')
await until('that works', () => says('fifth'))
assert.equal(loads, 2)

// When Vite's page gets no WebSocket here it goes to port 5173 by itself.
for (const { url: where } of sockets.values())
	assert.equal(new URL(where).host, new URL(url).host)
process.exit(0)
