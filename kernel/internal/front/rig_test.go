package front

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"

	"github.com/gosciml/gosciml/kernel/internal/notebook"
)

// limit is how long a test waits for what must come.
const limit = 20 * time.Second

// rig is a front between clients and a GoNB that does what a test says.
type rig struct {
	t         *testing.T
	front     *Front
	gonb      *fakeGoNB
	client    connection
	presses   chan struct{}
	shutdowns chan struct{}
}

func (r *rig) Interrupt() {
	select {
	case r.presses <- struct{}{}:
	default:
	}
}

// newRig starts both sides. Each cell is one call of behave, in GoNB's own order; nil is a GoNB that never starts.
func newRig(t *testing.T, behave func(g *fakeGoNB, m message, code string)) *rig {
	t.Helper()
	dir, err := os.MkdirTemp("", "front") // the paths of sockets must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &rig{t: t, presses: make(chan struct{}, 1000), shutdowns: make(chan struct{}, 10)}
	r.client = connection{Scheme: "hmac-sha256", Transport: "ipc", IP: filepath.Join(dir, "c"), Key: "secret",
		Shell: 1, Control: 2, Stdin: 3, IOPub: 4, Heartbeat: 5}
	if err := os.Mkdir(filepath.Join(dir, "k"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "kernel-1.json")
	if err := os.WriteFile(file, encodeJSON(r.client), 0o600); err != nil {
		t.Fatal(err)
	}
	r.front, err = Listen(Config{Connection: file, Dir: filepath.Join(dir, "k"), Version: "1",
		Language: notebook.Language{Name: "go", Version: "1.26.5"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.front.Serve(ctx, r, func() { r.shutdowns <- struct{}{} }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if behave != nil {
		r.gonb = startGoNB(t, r.front.GoNBConnection(), behave)
		r.until(func() bool { return r.front.attached })
		// A Router drops what it sends on a connection that it has not taken up yet; one that it reads from, it has.
		r.front.gonb.stdin.send(r.front.toGoNB("ready", newID(), header{}, emptyObject).encode(r.gonb.key))
		<-r.gonb.inputs
	}
	return r
}

// until waits for the front to be in a state.
func (r *rig) until(state func() bool) {
	for is := make(chan bool, 1); ; time.Sleep(time.Millisecond) {
		if r.front.do(func() { is <- state() }); <-is {
			return
		}
	}
}

// fakeGoNB has GoNB's sockets and its way to answer: one request after the other, busy before and idle after each.
type fakeGoNB struct {
	t                             *testing.T
	key                           []byte
	shell, control, stdin, output zmq4.Socket
	inputs                        chan message
	comms                         chan message
	asked                         chan message // completions and inspections; they get no answer before the test gives one
	release                       chan json.RawMessage
}

func startGoNB(t *testing.T, file string, behave func(g *fakeGoNB, m message, code string)) *fakeGoNB {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var c connection
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	g := &fakeGoNB{t: t, key: []byte(c.Key), shell: zmq4.NewRouter(ctx), control: zmq4.NewRouter(ctx), stdin: zmq4.NewRouter(ctx),
		output: zmq4.NewPub(ctx), inputs: make(chan message, 10), comms: make(chan message, 10), asked: make(chan message, 10),
		release: make(chan json.RawMessage, 10)}
	for socket, port := range map[zmq4.Socket]int{g.shell: c.Shell, g.control: c.Control, g.stdin: c.Stdin, g.output: c.IOPub} {
		if err := socket.Listen(fmt.Sprintf("ipc://%s-%d", c.IP, port)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { socket.Close() })
	}
	requests := make(chan message, 100)
	go g.read(g.shell, func(m message) {
		switch m.head.Type {
		case "comm_open", "comm_msg", "comm_close":
			g.comms <- m
		default:
			requests <- m
		}
	})
	go g.read(g.stdin, func(m message) { g.inputs <- m })
	go func() {
		for m := range requests {
			g.publish(m, "status", map[string]any{"execution_state": "busy"})
			switch m.head.Type {
			case "kernel_info_request":
				g.reply(m, "kernel_info_reply", map[string]any{"status": "ok", "implementation": "gonb"})
			case "execute_request":
				var content executeContent
				if err := json.Unmarshal(m.content, &content); err != nil {
					t.Error(err)
				}
				g.publish(m, "execute_input", map[string]any{"code": content.Code, "execution_count": 99})
				behave(g, m, content.Code)
			default:
				g.asked <- m
				g.reply(m, "a_reply", <-g.release)
			}
			g.publish(m, "status", map[string]any{"execution_state": "idle"})
		}
	}()
	return g
}

func (g *fakeGoNB) read(socket zmq4.Socket, got func(message)) {
	for {
		msg, err := socket.Recv()
		if err != nil {
			return
		}
		m, err := decode(msg.Frames, g.key)
		if err != nil {
			g.t.Errorf("GoNB gets what it cannot read: %v", err)
			continue
		}
		got(m)
	}
}

func (g *fakeGoNB) send(socket zmq4.Socket, to message, kind string, content any, buffers ...[]byte) {
	m := message{identities: to.identities, header: newHeader(kind, to.head.Session, to.head.Username), parent: encodeJSON(to.head),
		content: encodeJSON(content), buffers: buffers}
	if err := socket.SendMulti(zmq4.NewMsgFrom(m.encode(g.key)...)); err != nil {
		g.t.Logf("GoNB cannot send: %v", err)
	}
}

func (g *fakeGoNB) publish(to message, kind string, content any, buffers ...[]byte) {
	g.send(g.output, to, kind, content, buffers...)
}

func (g *fakeGoNB) reply(to message, kind string, content any) { g.send(g.shell, to, kind, content) }

func (g *fakeGoNB) print(to message, name, text string) {
	g.publish(to, "stream", map[string]any{"name": name, "text": text})
}

func (g *fakeGoNB) ok(to message) {
	g.reply(to, "execute_reply", map[string]any{"status": "ok", "execution_count": 99})
}

func (g *fakeGoNB) fail(to message, value string) {
	content := map[string]any{"ename": "ERROR", "evalue": value, "traceback": []string{value}}
	g.publish(to, "error", content)
	content["status"] = "error"
	g.reply(to, "execute_reply", content)
}

// client is one of Jupyter's, by ZeroMQ's own sockets.
type client struct {
	t                              *testing.T
	key                            []byte
	session                        string
	shell, control, stdin          zmq4.Socket
	shellIn, controlIn, input, sub chan message
}

func (r *rig) newClient(session string) *client {
	r.t.Helper()
	ctx := context.Background()
	id := zmq4.WithID(zmq4.SocketIdentity(session))
	c := &client{t: r.t, key: []byte(r.client.Key), session: session, shell: zmq4.NewDealer(ctx, id), control: zmq4.NewDealer(ctx, id),
		stdin: zmq4.NewDealer(ctx, id), shellIn: make(chan message, 100), controlIn: make(chan message, 100),
		input: make(chan message, 100), sub: make(chan message, 10000)}
	output := zmq4.NewSub(ctx)
	if err := output.SetOption(zmq4.OptionSubscribe, ""); err != nil {
		r.t.Fatal(err)
	}
	r.connect(c, c.shell, r.client.Shell, c.shellIn)
	r.connect(c, c.control, r.client.Control, c.controlIn)
	r.connect(c, c.stdin, r.client.Stdin, c.input)
	r.connect(c, output, r.client.IOPub, c.sub)
	c.want(c.sub, "status") // says that the subscription is there
	return c
}

// connect connects one of a client's sockets, and reads from it.
func (r *rig) connect(c *client, socket zmq4.Socket, port int, to chan message) {
	r.t.Helper()
	if err := socket.Dial(fmt.Sprintf("ipc://%s-%d", r.client.IP, port)); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { socket.Close() })
	go func() {
		for {
			msg, err := socket.Recv()
			if err != nil {
				return
			}
			m, err := decode(msg.Frames, c.key)
			if err != nil {
				r.t.Errorf("a client gets what it cannot read: %v", err)
				continue
			}
			to <- m
		}
	}()
}

func (c *client) send(socket zmq4.Socket, kind string, content any, buffers ...[]byte) (id string) {
	c.t.Helper()
	h := newHeader(kind, c.session, "somebody")
	m := message{header: h, content: encodeJSON(content), buffers: buffers}
	if err := socket.SendMulti(zmq4.NewMsgFrom(m.encode(c.key)...)); err != nil {
		c.t.Fatal(err)
	}
	var head header
	if err := json.Unmarshal(h, &head); err != nil {
		c.t.Fatal(err)
	}
	return head.ID
}

func (c *client) execute(code string) string {
	return c.send(c.shell, "execute_request", map[string]any{"code": code, "silent": false, "store_history": true, "allow_stdin": true, "stop_on_error": true})
}

// want takes the next message, which must be of a kind; an empty one takes any.
func (c *client) want(from chan message, kind string) message {
	c.t.Helper()
	select {
	case m := <-from:
		if kind != "" && m.head.Type != kind {
			c.t.Fatalf("got %s %s, want %s", m.head.Type, m.content, kind)
		}
		return m
	case <-time.After(limit):
		c.t.Fatalf("no %s came", kind)
		panic("not reached")
	}
}

func (c *client) reply(id string) (kind string, content map[string]any) {
	c.t.Helper()
	m := c.want(c.shellIn, "")
	if got := parentID(m); got != id {
		c.t.Fatalf("a reply to %q, want one to %q", got, id)
	}
	return m.head.Type, fields(c.t, m)
}

// output takes what is published up to the idle of a request, as lines of kind and content; what belongs to other requests is an error.
func (c *client) output(id string) []string {
	c.t.Helper()
	var lines []string
	for {
		m := c.want(c.sub, "")
		if got := parentID(m); got != id {
			c.t.Fatalf("%s %s belongs to %q, want %q", m.head.Type, m.content, got, id)
		}
		content := fields(c.t, m)
		line := m.head.Type
		switch m.head.Type {
		case "status":
			line += " " + content["execution_state"].(string)
		case "stream":
			line += fmt.Sprintf(" %s %q", content["name"], content["text"])
		case "execute_input":
			line += fmt.Sprintf(" %v %q", content["execution_count"], content["code"])
		case "execute_result":
			line += fmt.Sprintf(" %v %v", content["execution_count"], content["data"])
		case "error":
			line += fmt.Sprintf(" %v: %v", content["ename"], content["evalue"])
		}
		lines = append(lines, line)
		if line == "status idle" {
			return lines
		}
	}
}

func fields(t *testing.T, m message) map[string]any {
	t.Helper()
	var content map[string]any
	if err := json.Unmarshal(m.content, &content); err != nil {
		t.Fatalf("%s: %v", m.content, err)
	}
	return content
}
