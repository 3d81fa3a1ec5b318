package front

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/gosciml/gosciml/internal/shown"
	"github.com/gosciml/gosciml/kernel/internal/cell"
	"github.com/gosciml/gosciml/kernel/internal/failure"
)

// patience is how long a client waits for a completion or an inspection.
const patience = 2 * time.Second

// job is a request that GoNB works on.
type job struct {
	on      *port
	request message
	kind    string // of the request that GoNB gets
	content json.RawMessage

	// What GoNB has said so far.
	id       string // of the request to GoNB
	idle     bool
	reply    json.RawMessage
	told     bool // clients have been told that the kernel is busy with it
	answered bool // the client has its answer, although GoNB has not

	execute *execution // nil for a question
	ask     *question  // nil for a cell
}

// sent is a cell as GoNB has it.
type sent struct {
	cell  *cell.Cell
	typed string
	plain bool // without what shows the value at its end
}

func (s sent) code() string {
	if s.plain {
		return s.cell.CodeWithoutValue()
	}
	return s.cell.Code()
}

func (s sent) line(line int) int {
	if s.plain {
		return s.cell.SourceLineWithoutValue(line)
	}
	return s.cell.SourceLine(line)
}

// enqueue lets a job wait for its turn.
func (f *Front) enqueue(j *job) {
	f.waiting = append(f.waiting, j)
	f.next()
	if f.shown() == j {
		f.busy(j) // it may wait for long: for GoNB's start, or for a question whose client has its answer
	}
}

// shown is the job that clients see the kernel busy with: the current one, or the next where that is a question whose client has
// its answer already.
func (f *Front) shown() *job {
	switch j := f.current; {
	case j != nil && !j.answered:
		return j
	case (j == nil || j.ask != nil) && len(f.waiting) > 0:
		return f.waiting[0]
	}
	return nil
}

// busy tells that a job has begun, once.
func (f *Front) busy(j *job) {
	if !j.told && !j.answered {
		j.told = true
		f.setState("busy", j.request.header)
	}
}

// next gives GoNB the next job, if it has none.
func (f *Front) next() {
	if f.current != nil || !f.attached || len(f.waiting) == 0 {
		return
	}
	j := f.waiting[0]
	f.waiting = f.waiting[1:]
	f.current = j
	f.busy(j)
	if j.execute != nil {
		f.begin(j)
	}
	f.give(j)
}

// give sends the job to GoNB.
func (f *Front) give(j *job) {
	j.id, j.idle, j.reply = j.request.head.ID, false, nil
	if j.execute != nil && j.execute.sent.plain {
		j.id += again
	}
	f.gonb.shell.send(f.toGoNB(j.kind, j.id, j.request.head, j.content).encode(f.gonb.key))
}

// again ends the id of a request that GoNB gets for the second time.
const again = "-again"

// replied takes GoNB's reply.
func (f *Front) replied(m message) {
	if j := f.current; j != nil && parentID(m) == j.id {
		j.reply = m.content
		f.ended()
	}
}

// ended finishes the current job if GoNB has said all there is.
func (f *Front) ended() {
	j := f.current
	if j.reply == nil || !j.idle {
		return
	}
	if j.execute != nil {
		if !f.conclude(j) {
			return // it is tried again
		}
	} else if !j.answered {
		f.finish(j, j.ask.reply, j.ask.read(j.reply))
	}
	f.current = nil
	f.next()
}

// finish answers a job: the reply, and then the state of the kernel.
func (f *Front) finish(j *job, kind string, content any) {
	j.answered = true
	f.answer(j.on, j.request, kind, content)
	f.idleAgain(j.request.header)
}

// idleAgain ends a request. Clients take the last state for that of the kernel, so a cell that runs is told of again.
func (f *Front) idleAgain(parent json.RawMessage) {
	f.setState("idle", parent)
	if j := f.shown(); j != nil && !j.answered {
		j.told = true
		f.setState("busy", j.request.header)
	}
}

func parentID(m message) string {
	var parent header
	_ = json.Unmarshal(m.parent, &parent)
	return parent.ID
}

// output takes what GoNB publishes.
func (f *Front) output(m message) {
	id := parentID(m)
	j := f.current
	if j == nil || id != j.id {
		f.pass(m, nil)
		return
	}
	var state struct {
		State string `json:"execution_state"`
	}
	switch {
	case m.head.Type == "status":
		_ = json.Unmarshal(m.content, &state)
		if j.idle = state.State == "idle"; j.idle {
			f.ended()
		}
	case m.head.Type == "stream" && j.execute != nil:
		f.stream(j, m)
	default:
		f.pass(m, j.request.header)
	}
}

// pass passes on what GoNB publishes, as belonging to a request, or to the one it names itself.
func (f *Front) pass(m message, parent json.RawMessage) {
	switch m.head.Type {
	case "status", "execute_input", "error": // the front's own
		return
	case "comm_open", "comm_close":
		f.noteComm(m)
	case "display_data", "update_display_data", "execute_result":
		m.content = tidy(m.content)
	}
	if parent == nil { // something that came late, or answers a comm
		parent = m.parent
		var h map[string]json.RawMessage
		if id := parentID(m); strings.HasSuffix(id, again) && json.Unmarshal(parent, &h) == nil {
			h["msg_id"] = encodeJSON(strings.TrimSuffix(id, again))
			parent = encodeJSON(h)
		}
	}
	f.publishMessage("", message{header: newHeader(m.head.Type, f.session, "kernel"), parent: parent, metadata: m.metadata,
		content: m.content, buffers: m.buffers}, m.head.Type)
}

// execution is a cell that is to be executed, or runs.
type execution struct {
	sent        sent
	silent      bool
	stored      bool // has a number of its own
	stopOnError bool
	allowStdin  bool
	expressions map[string]string
	interrupted bool

	values shown.Splitter
	stderr failure.Stderr
}

type executeContent struct {
	Code        string            `json:"code"`
	Silent      bool              `json:"silent"`
	Store       *bool             `json:"store_history"`
	StopOnError *bool             `json:"stop_on_error"`
	AllowStdin  bool              `json:"allow_stdin"`
	Expressions map[string]string `json:"user_expressions"`
}

// execute takes an execute_request.
func (f *Front) execute(on *port, m message) {
	var c executeContent
	if err := json.Unmarshal(m.content, &c); err != nil {
		f.refuse(on, m, "execute_reply", "the request cannot be read: "+err.Error())
		return
	}
	e := &execution{sent: sent{cell: cell.Read(c.Code), typed: c.Code}, silent: c.Silent,
		stored: !c.Silent && (c.Store == nil || *c.Store), stopOnError: c.StopOnError == nil || *c.StopOnError,
		allowStdin: c.AllowStdin, expressions: c.Expressions}
	f.enqueue(&job{on: on, request: m, kind: "execute_request", execute: e})
}

// begin numbers a cell whose turn it is, and tells of it. GoNB counts in the same way, so that its numbers are ours.
func (f *Front) begin(j *job) {
	e := j.execute
	if e.stored {
		f.count++
		f.history = append(f.history, input{number: f.count, code: e.sent.typed})
	}
	f.cells[f.count] = e.sent
	if !e.silent {
		f.publish("", "execute_input", j.request.header, encodeJSON(map[string]any{"code": e.sent.typed, "execution_count": f.count}))
	}
	j.content = gonbExecute(e.sent.code(), e.stored)
}

func gonbExecute(code string, stored bool) json.RawMessage {
	return encodeJSON(map[string]any{"code": code, "silent": false, "store_history": stored, "user_expressions": map[string]any{},
		"allow_stdin": true, "stop_on_error": true})
}

// stream passes on printed text: values become results, and a crash is kept for the error.
func (f *Front) stream(j *job, m message) {
	var c struct {
		Name string `json:"name"`
		Text string `json:"text"`
	}
	if json.Unmarshal(m.content, &c) != nil {
		return
	}
	if c.Name == "stderr" {
		f.print(j, c.Name, j.execute.stderr.Add(c.Text))
		return
	}
	for _, part := range j.execute.values.Add(c.Text) {
		if !part.Value {
			f.print(j, c.Name, part.Text)
		} else if !j.execute.silent {
			f.publish("", "execute_result", j.request.header, encodeJSON(map[string]any{"execution_count": f.count,
				"data": map[string]string{"text/plain": part.Text}, "metadata": emptyObject}))
		}
	}
}

func (f *Front) print(j *job, name, text string) {
	if text != "" {
		f.publish("", "stream", j.request.header, encodeJSON(map[string]string{"name": name, "text": text}))
	}
}

// conclude ends a cell that GoNB has done with. It reports false if the cell is given to GoNB once more.
func (f *Front) conclude(j *job) bool {
	e := j.execute
	if f.asker == j {
		f.asker = nil
	}
	var reply struct {
		Status    string   `json:"status"`
		Value     string   `json:"evalue"`
		Traceback []string `json:"traceback"`
	}
	_ = json.Unmarshal(j.reply, &reply)
	if reply.Status == "error" && !e.interrupted && !e.sent.plain && e.sent.cell.ShowsValue() && strings.Contains(reply.Value, noValue) {
		// The last expression has no value after all. GoNB counts this one under the same number.
		e.sent.plain = true
		f.cells[f.count] = e.sent
		e.values, e.stderr = shown.Splitter{}, failure.Stderr{}
		j.content = gonbExecute(e.sent.code(), false)
		f.give(j)
		return false
	}
	f.print(j, "stdout", e.values.Rest())
	held := e.stderr.End()
	if reply.Status != "error" {
		f.print(j, "stderr", held)
		for _, name := range e.sent.cell.Locals() {
			f.locals[name] = f.count
		}
		f.finish(j, "execute_reply", map[string]any{"status": "ok", "execution_count": f.count, "payload": []any{},
			"user_expressions": e.noExpressions()})
		return true
	}
	failed := failure.New(failure.Told{Cell: f.count, Value: reply.Value, Traceback: reply.Traceback, Crash: held, Stderr: e.stderr.Tail(),
		Interrupted: e.interrupted, Cells: f.cell, Main: f.program(), Gone: f.locals, Modules: f.config.Modules, Memory: memory()})
	f.print(j, "stderr", failed.Stderr)
	content := map[string]any{"ename": failed.Name, "evalue": failed.Value, "traceback": failed.Traceback}
	f.publish("", "error", j.request.header, encodeJSON(content))
	content["status"], content["execution_count"] = "error", f.count
	f.finish(j, "execute_reply", content)
	if e.stopOnError {
		f.abort()
	}
	return true
}

// noValue is what the compiler says of a call that returns nothing.
const noValue = "(no value) used as value"

// noExpressions answers user_expressions, which need an interpreter.
func (e *execution) noExpressions() map[string]any {
	values := map[string]any{}
	for name := range e.expressions {
		values[name] = map[string]any{"status": "error", "ename": "NotSupported", "evalue": "this kernel evaluates no expressions",
			"traceback": []string{}}
	}
	return values
}

func (f *Front) cell(number int) (failure.Cell, bool) {
	s, ok := f.cells[number]
	if !ok {
		return failure.Cell{}, false
	}
	return failure.Cell{Sent: s.code(), Typed: s.typed, Line: s.line}, true
}

// abort drops the cells that wait.
func (f *Front) abort() {
	waiting := f.waiting
	f.waiting = nil
	for _, j := range waiting {
		if j.execute == nil {
			f.waiting = append(f.waiting, j)
			continue
		}
		f.busy(j)
		f.finish(j, "execute_reply", map[string]any{"status": "aborted"})
	}
}

// interrupt ends the cell that runs, and drops those that wait.
func (f *Front) interrupt() {
	f.abort()
	if j := f.current; j != nil && j.execute != nil && !j.execute.interrupted {
		j.execute.interrupted = true
		f.press(j)
	}
}

// pressAgain is how often an interrupted cell is looked at. Between goimports, the compiler and the program there are
// moments in which nothing runs that could be interrupted.
const pressAgain = 50 * time.Millisecond

// press interrupts what runs for the cell, until the cell has ended.
func (f *Front) press(j *job) {
	if f.current != j {
		return
	}
	f.processes.Interrupt()
	time.AfterFunc(pressAgain, func() { f.do(func() { f.press(j) }) })
}

// inputRequest takes a request of the cell's program for input.
func (f *Front) inputRequest(m message) {
	j := f.current
	if j == nil || j.execute == nil || parentID(m) != j.id || m.head.Type != "input_request" {
		return
	}
	if !j.execute.allowStdin {
		f.print(j, "stderr", "The cell asks for input, which cannot be given here: it gets an empty line.\n")
		f.reply(j, encodeJSON(map[string]string{"value": ""}))
		return
	}
	f.asker, f.asked = j, false
	f.question = message{identities: j.request.identities, header: newHeader(m.head.Type, f.session, "kernel"),
		parent: j.request.header, content: m.content}
	f.ask(string(j.request.identities[0]))
}

// ask puts the question to the client if it is the one whose cell asks. Its socket for input may connect after the cell
// is sent, since each socket of a client connects on its own.
func (f *Front) ask(identity string) {
	if f.asker != nil && !f.asked && identity == string(f.question.identities[0]) {
		f.asked = f.stdin.send(f.question.encode(f.key))
	}
}

// input takes a client's reply to that.
func (f *Front) input(m message) {
	if j := f.asker; j != nil && m.head.Type == "input_reply" && string(m.identities[0]) == string(j.request.identities[0]) {
		f.asker = nil
		f.reply(j, m.content)
	}
}

func (f *Front) reply(j *job, content json.RawMessage) {
	f.gonb.stdin.send(f.toGoNB("input_reply", newID(), j.request.head, content).encode(f.gonb.key))
}
