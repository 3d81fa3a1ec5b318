package front

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

// sendLimit is what a client gets to take a message. One that takes longer hangs, and may not hold up the others.
const sendLimit = 20 * time.Second

// port is a socket that clients connect to. It uses ZeroMQ's connections rather than its sockets: those queue
// without a limit, whereas here a program that prints more than a client can read is slowed down.
type port struct {
	listener net.Listener
	kind     zmq4.SocketType
	receive  func(frames [][]byte) // the first frame is the identity of the client
	joined   func(identity string) // when a client is there, for a Pub when it subscribes; may be nil

	mu    sync.Mutex
	peers map[string]*peer
}

// peer is a client, known by its identity.
type peer struct {
	raw  net.Conn
	conn *zmq4.Conn

	mu     sync.Mutex // of sending
	topics map[string]bool
}

func listen(network, address string, kind zmq4.SocketType) (*port, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen at the address that Jupyter gave: %w", err)
	}
	return &port{listener: l, kind: kind, peers: map[string]*peer{}}, nil
}

// serve accepts clients until the port is closed.
func (p *port) serve() {
	for {
		raw, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many open files, say
			time.Sleep(100 * time.Millisecond)
			continue
		}
		go p.client(raw)
	}
}

func (p *port) close() {
	p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.peers {
		c.raw.Close()
	}
}

func (p *port) client(raw net.Conn) {
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(sendLimit))
	conn, err := zmq4.Open(raw, null.Security(), p.kind, zmq4.SocketIdentity(newID()), true, nil)
	if err != nil {
		return
	}
	_ = raw.SetDeadline(time.Time{})
	id := conn.Peer.Meta["Identity"]
	if id == "" {
		id = newID()
	}
	c := &peer{raw: raw, conn: conn, topics: map[string]bool{}}
	p.mu.Lock()
	p.peers[id] = c
	p.mu.Unlock()
	if p.kind != zmq4.Pub && p.joined != nil {
		p.joined(id)
	}
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.peers[id] == c { // else it has connected anew
			delete(p.peers, id)
		}
	}()
	for {
		msg, err := conn.RecvMsg()
		if err != nil {
			return
		}
		switch {
		case msg.Type == zmq4.CmdMsg || len(msg.Frames) == 0:
		case p.kind != zmq4.Pub:
			p.receive(append([][]byte{[]byte(id)}, msg.Frames...))
		case len(msg.Frames[0]) > 0:
			topic, on := string(msg.Frames[0][1:]), msg.Frames[0][0] == 1
			c.mu.Lock()
			c.topics[topic] = on
			c.mu.Unlock()
			if on && p.joined != nil {
				p.joined(id)
			}
		}
	}
}

// send sends to the client that the first frame names, and says whether it is there. One that is not gets nothing.
func (p *port) send(frames [][]byte) bool {
	p.mu.Lock()
	c := p.peers[string(frames[0])]
	p.mu.Unlock()
	if c != nil {
		c.send(frames[1:])
	}
	return c != nil
}

// publish sends to one subscriber, or to all if identity is empty. The first frame is the topic.
func (p *port) publish(identity string, frames [][]byte) {
	p.mu.Lock()
	var to []*peer
	if identity == "" {
		to = slices.Collect(maps.Values(p.peers))
	} else if c := p.peers[identity]; c != nil {
		to = append(to, c)
	}
	p.mu.Unlock()
	for _, c := range to {
		if c.wants(string(frames[0])) {
			c.send(frames)
		}
	}
}

func (c *peer) wants(topic string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for prefix, on := range c.topics {
		if on && strings.HasPrefix(topic, prefix) {
			return true
		}
	}
	return false
}

func (c *peer) send(frames [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.raw.SetWriteDeadline(time.Now().Add(sendLimit))
	if err := c.conn.SendMsg(zmq4.NewMsgFrom(frames...)); err != nil {
		c.raw.Close() // what it got is cut off: it must begin anew
	}
}

// dial connects to a socket of GoNB, waiting for it to be there.
func dial(ctx context.Context, network, address string, kind zmq4.SocketType, identity string) (*peer, error) {
	for {
		raw, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			conn, err := zmq4.Open(raw, null.Security(), kind, zmq4.SocketIdentity(identity), false, nil)
			if err != nil {
				raw.Close()
				return nil, fmt.Errorf("GoNB does not answer as expected: %w", err)
			}
			return &peer{raw: raw, conn: conn}, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// receive passes on what GoNB sends until the connection ends.
func (c *peer) receive(key []byte, got func(message)) {
	for {
		msg, err := c.conn.RecvMsg()
		if err != nil {
			return
		}
		if msg.Type == zmq4.CmdMsg {
			continue
		}
		if m, err := decode(msg.Frames, key); err == nil {
			got(m)
		}
	}
}

// address gives the form that package net wants for one of a connection file.
func (c connection) address(port int) (network, address string) {
	if c.Transport == "ipc" {
		return "unix", fmt.Sprintf("%s-%d", c.IP, port)
	}
	return "tcp", net.JoinHostPort(c.IP, fmt.Sprint(port))
}

// connection is a connection file.
type connection struct {
	Scheme    string `json:"signature_scheme"`
	Transport string `json:"transport"`
	IP        string `json:"ip"`
	Key       string `json:"key"`
	Shell     int    `json:"shell_port"`
	Control   int    `json:"control_port"`
	Stdin     int    `json:"stdin_port"`
	IOPub     int    `json:"iopub_port"`
	Heartbeat int    `json:"hb_port"`
}

// longestSocket is how long the path of a socket may be: 104 bytes with a zero on macOS, 108 elsewhere.
const longestSocket = 103

// inner makes the connection for GoNB: sockets in dir, or on the loopback interface where that path is too long.
func inner(dir string) (connection, error) {
	c := connection{Scheme: "hmac-sha256", Transport: "ipc", IP: dir + string(os.PathSeparator) + "s", Key: newID() + newID(),
		Shell: 1, Control: 2, Stdin: 3, IOPub: 4, Heartbeat: 5}
	if len(c.IP)+2 <= longestSocket {
		return c, nil
	}
	c.Transport, c.IP = "tcp", "127.0.0.1"
	var taken []net.Listener
	defer func() {
		for _, l := range taken {
			l.Close()
		}
	}()
	for _, port := range []*int{&c.Shell, &c.Control, &c.Stdin, &c.IOPub, &c.Heartbeat} {
		l, err := net.Listen("tcp", net.JoinHostPort(c.IP, "0"))
		if err != nil {
			return c, fmt.Errorf("there is no port for GoNB: %w", err)
		}
		taken = append(taken, l)
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return c, nil
}
