import { connect, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AnswerFrames } from './answer-frames.ts';
import type { SocketFactory } from './kafkajs.ts';

// Sockets to brokers whose `data` are whole answers (answer-frames.ts). Reading into room of our own, instead of into 64 KiB
// that Node makes for each read and that are joined afterwards, saves a copy of everything, and most of what the garbage
// collector has to do while a topic is read.

// As kafkajs has it: a broker that is gone without a word is noticed some day.
const KEEP_ALIVE_AFTER_MS = 60_000;

export const plainSockets: SocketFactory = ({ host, port, ssl, onConnect }) => {
  const frames = new AnswerFrames((answer) => socket.emit('data', answer));
  const onread: OnReadOpts = {
    buffer: () => frames.room(),
    callback(count) {
      try {
        frames.took(count);
      } catch (error) {
        socket.destroy(error as Error);
      }
      return true;
    },
  };
  const address = { host, port, onread };
  const socket: Socket = ssl
    ? connectTls({ ...address, ...(isIP(host) === 0 && { servername: host }), ...ssl }, onConnect)
    : connect(address, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
  return socket;
};
