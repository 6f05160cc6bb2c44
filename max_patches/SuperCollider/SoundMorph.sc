// Plays a soundmorph server from SuperCollider. Help: SoundMorph.help

SoundMorph {
	var <server, <alive = false, <p99, <classes, <>onReply, model;
	var latest, asks, listener;

	*new { |host = "127.0.0.1", port = 9000| ^super.new.init(host, port) }

	init { |host, port|
		server = NetAddr(host, port);
		latest = 0;
		thisProcess.addOSCRecvFunc(this.listener);
		asks = fork {
			loop {
				server.sendMsg('/ping');
				server.sendMsg('/morph/get/status');
				(alive and: { classes.isNil }).if { this.ask(\classes) };
				1.wait;
				((Main.elapsedTime - latest) > 2.5).if { alive = false };
			}
		};
	}

	// Any command of docs/osc.md without its /morph/: m.send("preset/recall", "dark", 200)
	send { |command ... arguments|
		server.sendMsg("/morph/" ++ command, *arguments.collect { |x|
			x.isNumber.if { x.asFloat } { x.asString }
		})
	}

	ask { |what| this.send("get/" ++ what) }

	trigger { |velocity = 1, name| name.isNil.if { this.send(\trigger, velocity) } { this.send(\trigger, velocity, name) } }
	note { |pitch = 60, velocity = 100| this.send(\note, pitch, velocity) }
	goto { |name, ms = 0, curve = \linear| this.send(\goto, name, ms, curve) }
	between { |a, b, t = 0.5| this.send(\between, a, b, t) }
	xy { |x, y| this.send(\xy, x, y) }
	weights { |values| this.send(\weights, *values) }
	macro { |index, value| this.send("macro/" ++ index, value) }
	z { |values| this.send(\z, *values) }
	zAt { |index, value| this.send("z/" ++ index, value) }
	recall { |name, ms = 0| this.send("preset/recall", name, ms) }
	store { |name| this.send("preset/store", name) }
	gain { |db| this.send(\gain, db) }
	stop { this.send(\stop) }
	panic { this.send(\panic) }

	free {
		asks.stop;
		thisProcess.removeOSCRecvFunc(listener);
		alive = false;
	}

	// A light, host and port, panic, p99, a pad for each class, and a morph between any two.
	gui {
		var window, light, host, port, late, pads, ends, shown;
		window = Window("soundmorph", Rect(100, 100, 460, 150)).front;
		light = StaticText().fixedSize_(14 @ 14);
		host = TextField().string_(server.ip).fixedWidth_(110);
		port = NumberBox().value_(server.port).decimals_(0).fixedWidth_(60);
		[host, port].do(_.action_({ server = NetAddr(host.string, port.value.asInteger); classes = nil }));
		late = StaticText().fixedWidth_(90);
		pads = View().layout_(HLayout());
		ends = [PopUpMenu(), PopUpMenu()];
		window.layout_(VLayout(
			HLayout(light, host, port, late, Button().states_([["panic", Color.white, Color(0.75, 0.12, 0.12)]]).action_({ this.panic })),
			pads,
			HLayout(ends[0], [Slider().orientation_(\horizontal).action_({ |s|
				classes.notNil.if { this.between(ends[0].item, ends[1].item, s.value) }
			}), stretch: 1], ends[1])
		));
		fork({
			while { window.isClosed.not } {
				light.background_(alive.if { Color(0.13, 0.69, 0.38) } { Color.grey });
				late.string_("p99 % ms".format(p99.notNil.if { p99.round(0.1) } { "-" }));
				(classes != shown).if {
					shown = classes;
					pads.removeAll;
					pads.layout_(HLayout(*classes.collect { |name|
						Button().states_([[name.asString]]).action_({ this.trigger(1, name) })
					}));
					ends.do { |menu, i| menu.items_(classes.asArray).value_(i.min(classes.size - 1)) };
				};
				0.2.wait;
			}
		}, AppClock);
		^window
	}

	// private
	listener { ^listener ?? { listener = { |message, time, from| this.receive(message, from) } } }

	receive { |message, from|
		((from.addr == server.addr) and: { from.port == server.port }).if {
			latest = Main.elapsedTime;
			alive = true;
			switch(message[0])
			{ '/morph/classes.reply' } { classes = message.drop(1) }
			{ '/morph/status.reply' } { this.receiveStatus(message.drop(1).clump(2).flop) };
			onReply.value(message);
		}
	}

	receiveStatus { |status|
		var of = { |key| status[0].indexOf(key) !? { |place| status[1][place] } };
		p99 = of.(\p99_ms);
		(of.(\model_id) != model).if { model = of.(\model_id); classes = nil } // another model plays: ask again
	}
}
