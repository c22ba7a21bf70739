// A page under hot reload, in a real browser, seen over the DevTools protocol.
// Runs in the folder of the Vite project.
// usage: node browser.mjs BROWSER URL COMMAND-THAT-STARTS-VITE-AGAIN
import assert from 'node:assert'
import { execSync, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { startBrowser, until as await_ } from './devtools.mjs'

const [browser, url, again] = process.argv.slice(2)
const idleMs = 5000

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

const { tell, inPage } = await startBrowser(browser, heard)
const until = (what, holds) => await_(what, holds, async () =>
	`sockets: ${JSON.stringify([...sockets.values()])}; page: ` +
	await inPage('document.documentElement.outerHTML'))

const says = async (words) =>
	await inPage("document.querySelector('#said')?.textContent") === words
const open = () => [...sockets.values()].filter((s) => s.open)
const edit = (words) =>
	writeFileSync('words.js', `export const words = '${words}'\n`)

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
