// A browser, driven over the DevTools protocol.
import assert from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

const patienceMs = 15000

// Starts that browser, whose profile is a new folder in $HOME, with one page.
// heard(method, params) gets what the browser tells by itself.
export async function startBrowser(program, heard = () => {}) {
	const chromium = spawn(program, ['--remote-debugging-pipe', '--no-sandbox',
		'--disable-gpu', '--disable-dev-shm-usage', '--no-proxy-server',
		`--user-data-dir=${mkdtempSync(process.env.HOME + '/browser-')}`,
		'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
	const [toBrowser, fromBrowser] = chromium.stdio.slice(3)
	process.on('exit', () => chromium.kill())

	// One JSON text after another, each with a 0 behind it.
	let lastId = 0, rest = '', sessionId
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

	function tell(method, params = {}) {
		const id = ++lastId

		toBrowser.write(JSON.stringify({ id, method, params, sessionId }) + '\0')
		return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
	}

	async function inPage(expression) {
		const { result, exceptionDetails } = await tell('Runtime.evaluate',
			{ expression, returnByValue: true })
		assert.ok(!exceptionDetails, exceptionDetails?.exception?.description)
		return result.value
	}

	const { targetId } = await tell('Target.createTarget', { url: 'about:blank' });
	({ sessionId } = await tell('Target.attachToTarget', { targetId, flatten: true }))
	for (const domain of ['Page', 'Network', 'Runtime', 'Log'])
		await tell(`${domain}.enable`)
	// It writes to its profile until it is gone.
	async function close() {
		const gone = once(chromium, 'exit')
		sessionId = undefined
		tell('Browser.close')
		await gone
	}

	return { tell, inPage, close }
}

// Looks until it holds; says() tells what there was instead.
export async function until(what, holds, says) {
	for (const start = Date.now(); Date.now() - start < patienceMs; await pause(50))
		if (await holds())
			return console.log(`ok: ${what}`)
	assert.fail(`not so: ${what}; ${await says()}`)
}
