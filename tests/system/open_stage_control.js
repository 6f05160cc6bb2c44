// Runs the scripts of a session for Open Stage Control as that program does: each script has `value`, its own `locals`,
// the `globals` of all scripts, and get, set, setVar, send, setTimeout, setInterval. Time advances only on "pass".
//
// node open_stage_control.js SESSION.json reads a JSON list from each line of its standard input:
//   ["receive", address, [argument, …]]   a reply from the server
//   ["touch", id, value]                  the performer moves a widget
//   ["pass", ms]                          time passes
// It answers each line with a list of the scripts' actions: ["send", …], ["set", id, value, options], ["setVar", …].

const session = JSON.parse(require('fs').readFileSync(process.argv[2]))
const globals = {}, values = {}, variables = {}, timers = []
let now = 1000, done = []

const widgets = []
;(function walk(widget) {
  widgets.push(widget)
  if (widget.default !== undefined) values[widget.id] = widget.default
  for (const child of widget.widgets || []) walk(child)
})(session.content)

function later(callback, ms, every) {
  timers.push({callback, at: now + ms, every})
}

const tools = {
  globals,
  get: id => values[id],
  set: (id, value, options = {}) => {
    values[id] = value
    done.push(['set', id, value, options])
    const widget = widgets.find(each => each.id === id)
    if (widget && widget.onValue && options.script !== false) run(widget, widget.onValue, value)
  },
  setVar: (id, name, value) => {
    variables[id + '.' + name] = value
    done.push(['setVar', id, name, value])
  },
  send: (...message) => done.push(['send', ...message]),
  setTimeout: (callback, ms) => later(callback, ms),
  setInterval: (callback, ms) => later(callback, ms, ms),
  Date: {now: () => now},
}

function run(widget, script, value) {
  widget.locals = widget.locals || {}
  const names = Object.keys(tools)
  const getVar = (id, name) => variables[(id === 'this' ? widget.id : id) + '.' + name]
  new Function('value', 'locals', 'getVar', ...names, script)(value, widget.locals, getVar, ...names.map(name => tools[name]))
}

function pass(ms) {
  for (const end = now + ms; ;) {
    const next = timers.filter(timer => timer.at <= end).sort((a, b) => a.at - b.at)[0]
    if (!next) {
      now = end
      return
    }
    now = next.at
    if (next.every) next.at += next.every
    else timers.splice(timers.indexOf(next), 1)
    next.callback()
  }
}

for (const widget of widgets) if (widget.onCreate) run(widget, widget.onCreate)
require('readline').createInterface({input: process.stdin}).on('line', line => {
  const [what, ...rest] = JSON.parse(line)
  done = []
  if (what === 'pass') pass(rest[0])
  if (what === 'touch') tools.set(rest[0], rest[1])
  if (what === 'receive') {
    const [address, given] = rest
    const value = given.length === 1 ? given[0] : given  // a list only if there are several, as in Open Stage Control
    for (const widget of widgets) if (widget.type === 'variable' && widget.address === address) run(widget, widget.onValue, value)
  }
  console.log(JSON.stringify(done))
})
