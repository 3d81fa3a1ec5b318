package front

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-zeromq/zmq4"

	"github.com/gosciml/gosciml/internal/shown"
)

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := string(encodeJSON(got)), string(encodeJSON(want)); g != w {
		t.Errorf("%s:\n%s, want\n%s", what, g, w)
	}
}

// TestBeforeGoNB: clients learn what the kernel is and that it is idle, although GoNB is not there yet.
func TestBeforeGoNB(t *testing.T) {
	r := newRig(t, nil)
	c := r.newClient("a")
	id := c.send(c.shell, "kernel_info_request", map[string]any{})
	kind, info := c.reply(id)
	language := info["language_info"].(map[string]any)
	equal(t, "kind", kind, "kernel_info_reply")
	equal(t, "language", []any{language["name"], language["version"]}, []any{"go", "1.26.5"})
	equal(t, "implementation", []any{info["implementation"], info["protocol_version"], info["status"]}, []any{"gosciml", "5.4", "ok"})
	equal(t, "output", c.output(id), []string{"status busy", "status idle"})

	// A client that comes now is told the state.
	late := r.newClient("b")
	equal(t, "messages left", len(late.sub), 0)

	for request, want := range map[string]string{"history_request": "ok", "comm_info_request": "ok", "is_complete_request": "complete", "odd_request": "error"} {
		id := c.send(c.control, request, map[string]any{"code": "x := 1"})
		m := c.want(c.controlIn, strings.Replace(request, "request", "reply", 1))
		equal(t, request, fields(t, m)["status"], want)
		equal(t, request, c.output(id), []string{"status busy", "status idle"})
	}
	c.send(c.control, "shutdown_request", map[string]any{"restart": true})
	equal(t, "restart", fields(t, c.want(c.controlIn, "shutdown_reply"))["restart"], true)
	<-r.shutdowns
}

// TestCellsWaitForGoNB: what is sent while GoNB starts is executed when it is there, and no output is lost.
func TestCellsWaitForGoNB(t *testing.T) {
	r := newRig(t, nil)
	c := r.newClient("a")
	id := c.execute("early()")
	startGoNB(t, r.front.GoNBConnection(), func(g *fakeGoNB, m message, _ string) {
		g.print(m, "stdout", "here")
		g.ok(m)
	})
	equal(t, "output", c.output(id), []string{"status busy", `execute_input 1 "early()"`, `stream stdout "here"`, "status idle"})
}

func TestHeartbeat(t *testing.T) {
	r := newRig(t, nil)
	beat := zmq4.NewReq(t.Context())
	defer beat.Close()
	if err := beat.Dial(fmt.Sprintf("ipc://%s-%d", r.client.IP, r.client.Heartbeat)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"ping", "again"} {
		if err := beat.Send(zmq4.NewMsgString(text)); err != nil {
			t.Fatal(err)
		}
		if msg, err := beat.Recv(); err != nil || string(msg.Frames[len(msg.Frames)-1]) != text {
			t.Errorf("the heart says %v, %v", msg, err)
		}
	}
}

// TestOutputIsCompleteAndInOrder: all of it comes before the state is idle, which GoNB says on another socket than its reply.
func TestOutputIsCompleteAndInOrder(t *testing.T) {
	const lines, frames = 1000, 20
	frame, gate := strings.Repeat("0123456789", 30_000), make(chan bool)
	r := newRig(t, func(g *fakeGoNB, m message, _ string) {
		g.ok(m) // GoNB's own order is not that of the sockets
		<-gate
		for i := range lines {
			g.print(m, "stdout", fmt.Sprintln(i))
			if i%(lines/frames) == 0 {
				g.publish(m, "update_display_data", map[string]any{"data": map[string]any{"text/html": frame},
					"metadata": map[string]any{}, "transient": map[string]any{"display_id": "d"}}, []byte("buffer"), nil)
			}
		}
	})
	c := r.newClient("a")
	id := c.execute("many()")
	c.want(c.sub, "status")
	c.want(c.sub, "execute_input")
	c.send(c.shell, "kernel_info_request", map[string]any{})
	c.want(c.shellIn, "kernel_info_reply") // not that of the cell, whose output is still to come
	for range 3 {
		c.want(c.sub, "status")
	}
	close(gate)
	for i := range lines {
		if got := fields(t, c.want(c.sub, "stream"))["text"]; got != fmt.Sprintln(i) {
			t.Fatalf("line %d is %q", i, got)
		}
		if i%(lines/frames) == 0 {
			m := c.want(c.sub, "update_display_data")
			content := fields(t, m)
			if content["data"].(map[string]any)["text/html"] != frame || content["transient"].(map[string]any)["display_id"] != "d" {
				t.Fatalf("frame %d is not what it was", i)
			}
			if len(m.buffers) != 2 || string(m.buffers[0]) != "buffer" || len(m.buffers[1]) != 0 {
				t.Fatalf("the buffers are %q", m.buffers)
			}
		}
	}
	equal(t, "the end", c.output(id), []string{"status idle"})
	kind, content := c.reply(id)
	equal(t, "reply", []any{kind, content["status"], content["execution_count"]}, []any{"execute_reply", "ok", 1})
}

func TestValuesBecomeResults(t *testing.T) {
	r := newRig(t, func(g *fakeGoNB, m message, _ string) {
		text := "before\n" + shown.Encode("42") + "after\n"
		for i := 0; i < len(text); i += 3 {
			g.print(m, "stdout", text[i:min(i+3, len(text))])
		}
		g.ok(m)
	})
	c := r.newClient("a")
	id := c.execute("6 * 7")
	var printed string
	for _, line := range c.output(id) {
		var text string
		if n, _ := fmt.Sscanf(line, "stream stdout %q", &text); n == 1 {
			printed += text
		} else if strings.HasPrefix(line, "execute_result") {
			printed += "[" + line + "]"
		}
	}
	equal(t, "output", printed, "before\n[execute_result 1 map[text/plain:42]]after\n")
}

// TestNoValueIsTriedAgain: the client sees one cell.
func TestNoValueIsTriedAgain(t *testing.T) {
	var codes []string
	r := newRig(t, func(g *fakeGoNB, m message, code string) {
		codes = append(codes, code)
		if strings.Contains(code, "show") {
			g.fail(m, "./main.go:7:1: f() (no value) used as value")
			return
		}
		g.print(m, "stdout", "done")
		g.ok(m)
	})
	c := r.newClient("a")
	id := c.execute("f()")
	equal(t, "output", c.output(id), []string{"status busy", `execute_input 1 "f()"`, `stream stdout "done"`, "status idle"})
	_, content := c.reply(id)
	equal(t, "reply", content["status"], "ok")
	if len(codes) != 2 || strings.Contains(codes[1], "show") {
		t.Errorf("GoNB got %q", codes)
	}
}

// TestErrorsStopWhatWaits: the error comes once on each socket, with all it says, and what waited is not executed.
func TestErrorsStopWhatWaits(t *testing.T) {
	gate := make(chan bool)
	r := newRig(t, func(g *fakeGoNB, m message, code string) {
		if strings.Contains(code, "bad") {
			<-gate
			g.print(m, "stderr", "panic: oh no\n\ngoroutine 1 [running]:\nmain.main()\n")
			g.print(m, "stderr", "exit status 2\n")
			g.fail(m, "exit status 2")
			return
		}
		g.ok(m)
	})
	c := r.newClient("a")
	first, second := c.execute("bad()"), c.execute("good()")
	c.send(c.shell, "kernel_info_request", map[string]any{}) // answered although a cell runs: all of the cells are there
	c.want(c.shellIn, "kernel_info_reply")
	for m := c.want(c.sub, ""); m.head.Type != "execute_input"; m = c.want(c.sub, "") {
	}
	for range 3 { // busy and idle of kernel_info, and busy again, as the cell runs
		c.want(c.sub, "status")
	}
	close(gate)
	equal(t, "output", c.output(first), []string{"error Panic: oh no (cell 1)", "status idle"})
	kind, content := c.reply(first)
	equal(t, "reply", []any{kind, content["status"], content["ename"], content["evalue"]}, []any{"execute_reply", "error", "Panic", "oh no (cell 1)"})
	if lines := content["traceback"].([]any); !strings.Contains(fmt.Sprint(lines...), "oh no") {
		t.Errorf("the traceback is %q", lines)
	}
	equal(t, "output", c.output(second), []string{"status busy", "status idle"})
	_, content = c.reply(second)
	equal(t, "reply", content, map[string]any{"status": "aborted"})
	third := c.execute("good()")
	equal(t, "output", c.output(third), []string{"status busy", `execute_input 2 "good()"`, "status idle"})

	c.reply(third)
	id := c.send(c.shell, "history_request", map[string]any{"hist_access_type": "tail", "n": 1})
	_, content = c.reply(id)
	equal(t, "history", content["history"], []any{[]any{0, 2, "good()"}})
}

func TestSilentCellsHaveNoNumber(t *testing.T) {
	r := newRig(t, func(g *fakeGoNB, m message, _ string) {
		var content map[string]any
		if err := json.Unmarshal(m.content, &content); err != nil {
			t.Error(err)
		}
		g.print(m, "stdout", fmt.Sprint(content["store_history"]))
		g.ok(m)
	})
	c := r.newClient("a")
	id := c.execute("a()")
	c.output(id)
	c.reply(id)
	id = c.send(c.shell, "execute_request", map[string]any{"code": "b()", "silent": true, "user_expressions": map[string]string{"x": "1"}})
	equal(t, "output", c.output(id), []string{"status busy", `stream stdout "false"`, "status idle"})
	_, content := c.reply(id)
	equal(t, "count", content["execution_count"], 1)
	equal(t, "expression", content["user_expressions"].(map[string]any)["x"].(map[string]any)["status"], "error")
}

// TestInterrupt presses until the cell ends, drops what waits, and takes an end with status 0 for one.
func TestInterrupt(t *testing.T) {
	var r *rig
	r = newRig(t, func(g *fakeGoNB, m message, code string) {
		g.print(m, "stdout", "ready")
		<-r.presses
		<-r.presses
		if strings.Contains(code, "compiles") {
			g.fail(m, `failed to run "/usr/bin/go build": signal: killed`)
		} else {
			g.ok(m)
		}
	})
	c := r.newClient("a")
	for code, want := range map[string]string{"compiles()": "error", "trains()": "ok"} {
		running, waits := c.execute(code), c.execute("never()")
		for m := c.want(c.sub, ""); m.head.Type != "stream"; m = c.want(c.sub, "") {
		}
		c.send(c.shell, "kernel_info_request", map[string]any{}) // both cells have been read when this is answered
		c.want(c.shellIn, "kernel_info_reply")
		pressed := c.send(c.control, "interrupt_request", map[string]any{})
		equal(t, "interrupt", fields(t, c.want(c.controlIn, "interrupt_reply"))["status"], "ok")
		states := map[string][]string{}
		for states[running] == nil || states[running][len(states[running])-1] != "idle" {
			m := c.want(c.sub, "")
			if m.head.Type == "status" {
				states[parentID(m)] = append(states[parentID(m)], fields(t, m)["execution_state"].(string))
			}
		}
		equal(t, "states of the interrupt", states[pressed], []string{"busy", "idle"})
		equal(t, "states of the cell that waited", states[waits], []string{"busy", "idle"})
		_, content := c.reply(waits)
		equal(t, "what waited", content["status"], "aborted")
		_, content = c.reply(running)
		equal(t, code, content["status"], want)
		if want == "error" {
			equal(t, code, content["ename"], "Interrupted")
		}
		for len(r.presses) > 0 {
			<-r.presses
		}
	}
}

func TestQuestionsNeverWaitForLong(t *testing.T) {
	gate := make(chan bool)
	r := newRig(t, func(g *fakeGoNB, m message, _ string) {
		<-gate
		g.ok(m)
	})
	c := r.newClient("a")
	complete := map[string]any{"code": "x := 1\nstrings.Re", "cursor_pos": 17}

	id := c.send(c.shell, "complete_request", complete)
	asked := <-r.gonb.asked
	code := fields(t, asked)["code"].(string)
	r.gonb.release <- encodeJSON(map[string]any{"status": "ok", "matches": []string{"Repeat"}, "cursor_start": len(code) - 2, "cursor_end": len(code)})
	_, content := c.reply(id)
	equal(t, "completion", []any{content["matches"], content["cursor_start"], content["cursor_end"]}, []any{[]string{"Repeat"}, 15, 17})
	equal(t, "output", c.output(id), []string{"status busy", "status idle"})

	// The language server takes its time: the client has an answer, a second question too.
	id = c.send(c.shell, "complete_request", complete)
	<-r.gonb.asked
	second := c.send(c.shell, "inspect_request", map[string]any{"code": "x", "cursor_pos": 1})
	_, content = c.reply(second)
	if text := fmt.Sprint(content["data"]); !strings.Contains(text, "starting") {
		t.Errorf("the second question is answered by %s", text)
	}
	_, content = c.reply(id)
	if matches := content["matches"].([]any); len(matches) != 1 || !strings.HasPrefix(matches[0].(string), "/* ") {
		t.Errorf("the first one by %q", matches)
	}

	// A cell waits for GoNB only, and the kernel is busy with it at once.
	cell := c.execute("waits()")
	for m := c.want(c.sub, "status"); parentID(m) != cell; m = c.want(c.sub, "status") {
	}
	c.reply(c.send(c.shell, "kernel_info_request", map[string]any{}))
	for m := c.want(c.sub, "status"); parentID(m) != cell; m = c.want(c.sub, "status") {
	}
	r.gonb.release <- encodeJSON(map[string]any{"status": "ok", "matches": []string{"Repeat"}})

	// While a cell runs there is an answer at once, after which the kernel is still busy.
	for m := c.want(c.sub, ""); m.head.Type != "execute_input"; m = c.want(c.sub, "") {
	}
	id = c.send(c.shell, "complete_request", complete)
	_, content = c.reply(id)
	if matches := content["matches"].([]any); len(matches) != 1 || !strings.Contains(matches[0].(string), "a cell runs") {
		t.Errorf("while a cell runs: %q", matches)
	}
	equal(t, "output", c.output(id), []string{"status busy", "status idle"})
	equal(t, "state", fields(t, c.want(c.sub, "status"))["execution_state"], "busy")
	close(gate)
	equal(t, "output", c.output(cell), []string{"status idle"})
}

// TestInput: the client whose cell asks is asked, and nobody else.
func TestInput(t *testing.T) {
	r := newRig(t, func(g *fakeGoNB, m message, _ string) {
		g.send(g.stdin, m, "input_request", map[string]any{"prompt": "name? ", "password": true})
		g.print(m, "stdout", fields(t, <-g.inputs)["value"].(string))
		g.ok(m)
	})
	a, b := r.newClient("a"), r.newClient("b")
	id := a.execute("ask()")
	m := a.want(a.input, "input_request")
	equal(t, "request", fields(t, m), map[string]any{"prompt": "name? ", "password": true})
	equal(t, "parent", parentID(m), id)
	b.send(b.stdin, "input_reply", map[string]any{"value": "Eve"})
	b.send(b.shell, "kernel_info_request", map[string]any{}) // both have been read when this is answered
	b.want(b.shellIn, "kernel_info_reply")
	a.send(a.stdin, "input_reply", map[string]any{"value": "Ada"})
	for m := a.want(a.sub, ""); ; m = a.want(a.sub, "") {
		if m.head.Type == "stream" {
			equal(t, "input", fields(t, m)["text"], "Ada")
			break
		}
	}
	a.reply(id)
	equal(t, "requests to others", len(b.input), 0)
	equal(t, "replies to others", len(b.shellIn), 0)

	id = a.send(a.shell, "execute_request", map[string]any{"code": "ask()", "allow_stdin": false})
	if _, content := a.reply(id); content["status"] != "ok" {
		t.Errorf("a client that takes no questions gets %v", content)
	}
	equal(t, "requests to one that takes none", len(a.input), 0)
}

// TestInputOfALateSocket: a client whose socket for input connects after its cell has asked is asked then, once.
func TestInputOfALateSocket(t *testing.T) {
	r := newRig(t, func(g *fakeGoNB, m message, _ string) {
		g.send(g.stdin, m, "input_request", map[string]any{"prompt": "name? "})
		g.print(m, "stdout", fields(t, <-g.inputs)["value"].(string))
		g.ok(m)
	})
	c := r.newClient("a")
	connected := func() bool {
		r.front.stdin.mu.Lock()
		defer r.front.stdin.mu.Unlock()
		return r.front.stdin.peers["a"] != nil
	}
	r.until(connected)
	c.stdin.Close()
	r.until(func() bool { return !connected() })
	id := c.execute("ask()")
	r.until(func() bool { return r.front.asker != nil })
	c.stdin = zmq4.NewDealer(t.Context(), zmq4.WithID(zmq4.SocketIdentity("a")))
	r.connect(c, c.stdin, r.client.Stdin, c.input)
	equal(t, "parent", parentID(c.want(c.input, "input_request")), id)
	c.send(c.stdin, "input_reply", map[string]any{"value": "Ada"})
	c.reply(id)
	equal(t, "further requests", len(c.input), 0)
}

// TestComms: what is opened by either side passes, with its buffers, and is listed.
func TestComms(t *testing.T) {
	r := newRig(t, func(g *fakeGoNB, m message, _ string) {
		g.publish(m, "comm_open", map[string]any{"comm_id": "from-gonb", "target_name": "t", "data": map[string]any{}}, []byte{0, 1})
		g.ok(m)
	})
	c := r.newClient("a")
	id := c.execute("widget()")
	equal(t, "output", c.output(id), []string{"status busy", `execute_input 1 "widget()"`, "comm_open", "status idle"})
	c.reply(id)
	opened := c.send(c.shell, "comm_open", map[string]any{"comm_id": "from-client", "target_name": "gonb_comm"}, []byte("b"))
	m := <-r.gonb.comms
	equal(t, "comm_open", []any{m.head.Type, m.head.ID, fields(t, m)["comm_id"], string(m.buffers[0])}, []any{"comm_open", opened, "from-client", "b"})
	r.gonb.publish(m, "comm_msg", map[string]any{"comm_id": "from-client", "data": map[string]any{}}, []byte("back"))
	m = c.want(c.sub, "comm_msg")
	equal(t, "comm_msg", []any{parentID(m), string(m.buffers[0])}, []any{opened, "back"})

	_, content := c.reply(c.send(c.shell, "comm_info_request", map[string]any{"target_name": "gonb_comm"}))
	equal(t, "comms", content["comms"], map[string]any{"from-client": map[string]string{"target_name": "gonb_comm"}})
}

func TestBadSignaturesAreDropped(t *testing.T) {
	r := newRig(t, nil)
	c := r.newClient("a")
	for _, frames := range [][][]byte{
		message{header: newHeader("kernel_info_request", "a", "")}.encode([]byte("wrong")),
		{[]byte(delimiter), nil, []byte("{}")},
		{[]byte("nothing")},
	} {
		if err := c.shell.SendMulti(zmq4.NewMsgFrom(frames...)); err != nil {
			t.Fatal(err)
		}
	}
	c.reply(c.send(c.shell, "kernel_info_request", map[string]any{})) // the only one that is answered
}

func TestIsComplete(t *testing.T) {
	for code, want := range map[string]string{
		"x := 1": "complete", "func f() {": "incomplete", "func f() {\n}": "complete", "x := `a": "incomplete", "a +": "incomplete",
		"f()": "complete", "/* a": "incomplete", "}": "invalid", "": "complete", "%%\nf()": "complete", "fmt.": "incomplete",
	} {
		got := isComplete(encodeJSON(map[string]string{"code": code})).(map[string]any)["status"]
		if got != want {
			t.Errorf("%q is %v, want %s", code, got, want)
		}
	}
}

func TestRecall(t *testing.T) {
	f := &Front{history: []input{{1, "a"}, {2, "b"}, {3, "a"}, {4, "a/b"}}}
	for request, want := range map[string][]int{
		`{"hist_access_type": "tail", "n": 2}`:                                    {3, 4},
		`{"hist_access_type": "range", "session": 0, "start": 2, "stop": 4}`:      {2, 3},
		`{"hist_access_type": "range", "session": -1, "start": 1, "stop": 9}`:     {},
		`{"hist_access_type": "search", "pattern": "a*"}`:                         {1, 3, 4},
		`{"hist_access_type": "search", "pattern": "a", "unique": true, "n": 10}`: {3},
	} {
		got := []int{}
		for _, entry := range f.recall(json.RawMessage(request)).(map[string]any)["history"].([][]any) {
			got = append(got, entry[1].(int))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", request, got, want)
		}
	}
}

func TestTidy(t *testing.T) {
	for _, c := range [][3]string{
		{"image/png", `"iVBORw0KGgo="`, `"iVBORw0KGgo="`},
		{"image/png", `"aVZCT1J3MEtHZ289"`, `"iVBORw0KGgo="`}, // twice in base64
		{"image/svg+xml", `"<svg/>"`, `"\u003csvg/\u003e"`},
		{"image/svg+xml", `"PHN2Zy8+"`, `"\u003csvg/\u003e"`},
		{"application/vnd.vegalite.v5+json", `"{\"a\": 1}"`, `{"a":1}`},
		{"application/vnd.vegalite.v5+json", `"eyJhIjogMX0="`, `{"a":1}`},
		{"application/json", `{"a": 1}`, `{"a": 1}`},
		{"text/plain", `"aGk="`, `"aGk="`},
	} {
		var got struct{ Data map[string]json.RawMessage }
		content := tidy(json.RawMessage(fmt.Sprintf(`{"data": {%q: %s}, "metadata": {}}`, c[0], c[1])))
		if err := json.Unmarshal(content, &got); err != nil {
			t.Fatal(err)
		}
		var a, b any
		if json.Unmarshal(got.Data[c[0]], &a) != nil || json.Unmarshal([]byte(c[2]), &b) != nil || string(encodeJSON(a)) != string(encodeJSON(b)) {
			t.Errorf("%s %s becomes %s, want %s", c[0], c[1], got.Data[c[0]], c[2])
		}
	}
}
