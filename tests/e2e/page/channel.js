// The bridge channel: one JSON object per message, over the SCTP data channel or, failing that, a WebSocket.

const LABEL = 'JVB data channel';
const PROTOCOL = 'http://jitsi.org/protocols/colibri';

export class BridgeChannel extends EventTarget {
    /** log: a list of {t, dir, msg} kept for tests and for the curious. */
    constructor(log = []) {
        super();
        this.log = log;
        this.state = 'none';
    }

    /** Must be called before the first answer is made. */
    useDataChannel(pc) {
        this._attach(pc.createDataChannel(LABEL, {protocol: PROTOCOL}));
    }

    useWebSocket(url) {
        this._attach(new WebSocket(url));
    }

    _attach(transport) {
        this._transport = transport;
        this.state = 'connecting';
        transport.onopen = () => {
            this.state = 'open';
            this.dispatchEvent(new Event('open'));
        };
        transport.onclose = () => {
            this.state = 'closed';
        };
        transport.onmessage = ({data}) => {
            const msg = JSON.parse(data);
            this._note('in', msg);
            this.dispatchEvent(new CustomEvent(msg.colibriClass, {detail: msg}));
        };
    }

    on(colibriClass, handler) {
        this.addEventListener(colibriClass, (e) => handler(e.detail));
    }

    send(colibriClass, members = {}) {
        if (this.state !== 'open') {
            return false;
        }
        const msg = {colibriClass, ...members};
        this._note('out', msg);
        this._transport.send(JSON.stringify(msg));
        return true;
    }

    close() {
        this._transport?.close();
    }

    _note(dir, msg) {
        this.log.push({t: Math.round(performance.now()), dir, msg});
        if (this.log.length > 2000) {
            this.log.shift();
        }
    }
}
