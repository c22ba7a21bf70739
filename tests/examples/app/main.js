import { words } from './words.js'

const say = (what) => (document.querySelector('#said').textContent = what)

say(words)
import.meta.hot.accept('./words.js', (fresh) => say(fresh.words))
