// SPDX-License-Identifier: MIT
// Gives the frames of the FIFO to the stream, a packet each, and says what became of
// each. A word is offered only when it is known to be the packet's last, or when
// another one is there: so a packet can be ended at any moment, by RUN going 0 or by
// an input that went silent, with a word that has data. What was offered stays as it
// is until it is taken, with one exception: an engine that was stopped takes nothing
// any more, and must not find a packet's rest when it is started again.

`default_nettype none

module grabber_packets #(
	parameter WORD_BYTES = 8,
	parameter COUNT_BITS = 3
) (
	input wire clk,
	input wire resetn,		// of this side alone
	input wire up,

	// Frames: number and format of each, and their words
	input wire head_valid,
	input wire [31:0] head_number,
	input wire [15:0] head_format,
	output wire head_ready,
	input wire word_valid,
	input wire word_more,
	input wire [1:0] word_end,
	input wire [COUNT_BITS-1:0] word_count,
	input wire [8*WORD_BYTES-1:0] word_data,
	output wire word_ready,
	output wire word_freeze,

	input wire run,
	input wire started,		// RUN went from 0 to 1
	input wire signal,
	input wire engine_idle,
	input wire [63:0] begun,	// all frames begun
	input wire [31:0] begun_there,	// as the other side counts them

	output wire m_valid,
	output wire m_last,
	output wire [WORD_BYTES-1:0] m_keep,
	output wire [8*WORD_BYTES-1:0] m_data,
	input wire m_ready,

	output wire busy,		// a packet is not at its end yet
	output reg is_sent,		// what became of a frame, a clock each
	output reg is_cut,
	output reg is_broken,
	output reg is_aborted,

	output reg log_write,		// a packet has ended: this it was
	output reg [63:0] log_number,
	output reg [31:0] log_bytes,
	output reg [31:0] log_flags
);

// As in grabber_frames.v, and: where the FIFO was full
localparam [1:0] GOES_ON = 0;
localparam [1:0] WHOLE = 1;
localparam [1:0] CUT = 3;

localparam [2:0] IDLE = 0;	// between frames
localparam [2:0] LOOK = 1;	// is it one that RUN asked for?
localparam [2:0] SEND = 2;
localparam [2:0] SKIP = 3;	// the rest of a frame, or a whole one
localparam [2:0] CLOSE = 4;	// the FIFO was reset: end the packet

reg [2:0] state;
reg [63:0] number, first;	// of the frame; of those since RUN
reg [15:0] format;
reg [31:0] bytes;
reg ending, begun_packet, offered, offered_last;

// The count may cross later than the frame does.
wire [31:0] since = begun_there - head_number;
wire counted = since != 0 && !since[31];
assign head_ready = up && state == IDLE && head_valid && word_valid && counted;

wire stopped = ending || !run;
wire ends = word_end != GOES_ON;
wire silent = !signal && !word_more;
wire last = ends || stopped || silent;
wire packet = begun_packet || offered;
// Nothing of it was offered yet: then it goes without a trace.
wire drop = !packet && (stopped || (silent && !ends));
wire dead = engine_idle && (begun_packet || stopped);

assign m_valid = offered || (state == SEND && word_valid && !drop && !dead &&
			     (last || word_more)) || (state == CLOSE && !dead);
assign m_last = offered ? offered_last : state == CLOSE || last;
assign m_data = word_data;

wire taken = m_valid && m_ready;
// The word that closes a packet after a reset is any, and full.
wire filler = state == CLOSE && !offered;
wire [31:0] word_bytes = filler ? WORD_BYTES : {{32-COUNT_BITS{1'b0}}, word_count} + 1;

assign m_keep[0] = 1;

genvar i;
generate
	for (i = 1; i < WORD_BYTES; i = i + 1) begin : keep
		localparam [31:0] THIS = i;

		assign m_keep[i] = filler || word_count >= THIS[COUNT_BITS-1:0];
	end
endgenerate

assign word_ready = (state == SEND && taken) || state == SKIP;
assign word_freeze = state == CLOSE;
assign busy = (state == SEND && packet) || state == CLOSE;

// Why the frame ends with this word
wire whole = state == SEND && word_end == WHOLE;
wire cut = state == SEND && word_end == CUT;
wire abort = state == CLOSE || (state == SEND && !ends && stopped);

initial begin
	state = IDLE;
	offered = 0;
end

always @(posedge clk)
	if (!resetn) begin
		first <= 0;
		ending <= 0;
	end else begin
		if (started)
			first <= begun;
		// It stays so until the frame is done with, whatever RUN does then.
		ending <= !run || ((state == LOOK || state == SEND) && ending);
	end

always @(posedge clk)
	if (!resetn || (offered && dead)) begin
		offered <= 0;
	end else begin
		offered <= m_valid && !m_ready;
		offered_last <= m_last;
	end

always @(posedge clk) begin
	is_sent <= 0;
	is_cut <= 0;
	is_broken <= 0;
	is_aborted <= 0;
	log_write <= 0;
	if (!resetn) begin
		state <= IDLE;
		begun_packet <= 0;
	end else begin
		case (state)
		IDLE:
			if (head_ready) begin
				number <= begun - {32'd0, since};
				format <= head_format;
				bytes <= 0;
				begun_packet <= 0;
				state <= LOOK;
			end
		LOOK:
			if (!up) begin
				state <= IDLE;
			end else if (stopped || number < first) begin
				is_aborted <= 1;
				state <= SKIP;
			end else begin
				state <= SEND;
			end
		SEND, CLOSE:
			if (taken) begin
				bytes <= bytes + word_bytes;
				begun_packet <= 1;
				if (m_last) begin
					// after a reset the frame is accounted for already
					is_sent <= state == SEND && whole;
					is_cut <= state == SEND && cut;
					is_aborted <= state == SEND && abort;
					is_broken <= state == SEND && !whole && !cut && !abort;
					state <= state == CLOSE || ends || !up ? IDLE : SKIP;
				end else if (!up) begin
					state <= CLOSE;
				end
			end else if (state == SEND && !up) begin
				state <= packet || m_valid ? CLOSE : IDLE;
			end else if (dead || (state == SEND && drop)) begin
				is_aborted <= state == SEND && (dead || stopped);
				is_broken <= state == SEND && !(dead || stopped);
				state <= state == CLOSE ? IDLE : SKIP;
			end
		default:
			if (!up || (word_valid && ends))
				state <= IDLE;
		endcase
		if (taken && m_last) begin
			log_write <= 1;
			log_number <= number;
			log_bytes <= bytes + word_bytes;
			log_flags <= {format, 13'd0, abort, !whole && !cut && !abort, cut};
		end
	end
end

`ifdef GRABBER_ASSERT
reg was_held, was_last;
reg [WORD_BYTES-1:0] was_keep;
reg [8*WORD_BYTES-1:0] was_data;

initial was_held = 0;
always @(posedge clk) begin
	was_held <= resetn && m_valid && !m_ready && !engine_idle;
	was_last <= m_last;
	was_keep <= m_keep;
	was_data <= m_data;
	if (resetn && was_held && !engine_idle &&
	    (!m_valid || m_last != was_last || m_keep != was_keep || m_data != was_data)) begin
		$display("assertion: the stream's offer changed before it was taken");
		$stop;
	end
	if (resetn && m_valid && !m_last && m_keep != {WORD_BYTES{1'b1}}) begin
		$display("assertion: a word in the middle of a packet is not full");
		$stop;
	end
	if (resetn && {3'd0, is_sent} + {3'd0, is_cut} + {3'd0, is_broken} +
	    {3'd0, is_aborted} > 1) begin
		$display("assertion: a frame is counted twice");
		$stop;
	end
end
`endif

endmodule

`default_nettype wire
