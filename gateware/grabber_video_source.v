// SPDX-License-Identifier: MIT
//
// The grabber video source: AXI4-Stream Video in, one AXI4-Stream packet a frame out,
// for C2H channel 0 of Xilinx's XDMA core, and an account of every frame in registers
// on AXI4-Lite. docs/fpga.md tells how to build with it, docs/adding-a-card.md has the
// registers. Plain Verilog, nothing of a vendor's.
//
// Video comes as in UG934: tuser with the first beat of a frame, tlast with the last one
// of a line; no memory holds a frame, so what happens when the stream is held back is:
//
// - The input is never held back (tready is 1), for cameras cannot wait. With
//   SOURCE_WAITS and RATE 0 it is: then nothing is dropped for want of room.
// - While a frame is under way: it is ended where the FIFO was full. Its packet has what
//   fitted, its log entry says so, and it counts as CUT.
// - A frame that begins while the FIFO is more than half full is dropped as a whole, and
//   counts as OVERRUN.
// - A frame whose lines or their number are not of the format measured, ends where that is
//   seen, and counts as BROKEN; so does one that begins while there is no format yet.
// - When RUN goes 0 the packet under way ends with the next word. When the engine stops
//   (c2h_sts) its rest is dropped. Both count as ABORTED.

`default_nettype none

module grabber_video_source #(
	// The stream to the core: 64, 128, 256 or 512, as the core has it
	parameter M_DATA_WIDTH = 64,
	// Pixels as they come, side by side in tdata, the first one lowest
	parameter PIXEL_BITS = 24,
	parameter PIXELS_PER_BEAT = 1,
	// Bytes of a pixel in memory: its bits, and zeros above them
	parameter PIXEL_BYTES = (PIXEL_BITS + 7) / 8,
	// Which byte of the pixel comes first in memory (lowest digit), second, ...
	// 'h102 makes R, G, B of the G, B, R that Xilinx's cores have
	parameter [31:0] PIXEL_ORDER = 32'h76543210,
	parameter [31:0] PIXELFORMAT = 32'h33424752,	// V4L2 FourCC, here RGB3
	// What the registers say until a signal was measured
	parameter WIDTH = 1920,
	parameter HEIGHT = 1080,
	parameter [31:0] RATE = 30000,
	// Frames alike that make a new format
	parameter LOCK_FRAMES = 2,
	// The input's source can wait
	parameter SOURCE_WAITS = 0,
	// Words that wait for the stream: 2^FIFO_BITS, 5 or more
	parameter FIFO_BITS = 9,
	// Entries of the log: 2^LOG_BITS. The driver wants 6.
	parameter LOG_BITS = 6,
	// The crossing: flip-flops in each way from clock to clock. One clock for both is fine
	parameter SYNC_STAGES = 2,
	// Of axi_aclk; and how many of its clocks without video are no signal, 0: never
	parameter [31:0] CLOCK_HZ = 250000000,
	parameter [31:0] SIGNAL_CLOCKS = 62500000,
	parameter [63:0] SERIAL = 0
) (
	// Everything but the video: the core's axi_aclk and axi_aresetn
	(* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF s_axi:m_axis, ASSOCIATED_RESET axi_aresetn" *)
	input wire axi_aclk,
	input wire axi_aresetn,

	input wire [15:0] s_axi_awaddr,
	input wire s_axi_awvalid,
	output wire s_axi_awready,
	input wire [31:0] s_axi_wdata,
	input wire [3:0] s_axi_wstrb,
	input wire s_axi_wvalid,
	output wire s_axi_wready,
	output wire [1:0] s_axi_bresp,
	output wire s_axi_bvalid,
	input wire s_axi_bready,
	input wire [15:0] s_axi_araddr,
	input wire s_axi_arvalid,
	output wire s_axi_arready,
	output wire [31:0] s_axi_rdata,
	output wire [1:0] s_axi_rresp,
	output wire s_axi_rvalid,
	input wire s_axi_rready,

	output wire [M_DATA_WIDTH-1:0] m_axis_tdata,
	output wire [M_DATA_WIDTH/8-1:0] m_axis_tkeep,
	output wire m_axis_tlast,
	output wire m_axis_tvalid,
	input wire m_axis_tready,

	// The core's c2h_sts_0; 8'h40 where it cannot be had
	/* verilator lint_off UNUSED */
	input wire [7:0] c2h_sts,
	/* verilator lint_on UNUSED */
	// What the driver asks for: frames in 1,000 s, 0: as fast as they are taken
	output wire [31:0] frame_rate,

	// The video, and its clock: any other, or the same
	(* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF s_axis_video, ASSOCIATED_RESET video_aresetn" *)
	input wire video_aclk,
	input wire video_aresetn,
	/* verilator lint_off UNUSED */	// the padding of tdata
	input wire [(PIXEL_BITS*PIXELS_PER_BEAT+7)/8*8-1:0] s_axis_video_tdata,
	/* verilator lint_on UNUSED */
	input wire s_axis_video_tuser,
	input wire s_axis_video_tlast,
	input wire s_axis_video_tvalid,
	output wire s_axis_video_tready,
	// The receiver has a signal, in any clock; 1 where nobody can tell
	input wire video_locked
);

function integer log2(input integer n);
	for (log2 = 0; (1 << log2) < n; log2 = log2 + 1)
		;
endfunction

localparam BEAT_BYTES = PIXEL_BYTES * PIXELS_PER_BEAT;
localparam SMALL_BYTES = 1 << log2(BEAT_BYTES);
localparam WORD_BYTES = M_DATA_WIDTH / 8;
localparam COUNT_BITS = log2(WORD_BYTES);
localparam WORD = 2 + COUNT_BITS + M_DATA_WIDTH;
localparam [FIFO_BITS:0] HALF = 1 << (FIFO_BITS - 1);
localparam HEADS = 4;

// What cannot be, by the name of a module that is nowhere
generate
	if (M_DATA_WIDTH != 64 && M_DATA_WIDTH != 128 && M_DATA_WIDTH != 256 &&
	    M_DATA_WIDTH != 512) begin : bad_width
		M_DATA_WIDTH_must_be_64_128_256_or_512 error();
	end
	if (SMALL_BYTES > WORD_BYTES) begin : bad_beat
		a_beat_of_video_must_not_have_more_bytes_than_a_word_of_the_stream error();
	end
	if (PIXEL_BYTES * 8 < PIXEL_BITS || PIXEL_BYTES > 8) begin : bad_pixel
		PIXEL_BYTES_must_hold_PIXEL_BITS_and_be_8_at_most error();
	end
	if (FIFO_BITS < 5 || LOG_BITS < 6 || LOG_BITS > 9 || SYNC_STAGES < 2) begin : bad_depth
		FIFO_BITS_from_5_LOG_BITS_from_6_to_9_SYNC_STAGES_from_2 error();
	end
endgenerate

localparam [1:0] GOES_ON = 0;	// as in grabber_packets.v
localparam [1:0] CUT = 3;

// Resets
wire both_resetn = axi_aresetn && video_aresetn;
wire a_was_reset, v_was_reset, a_up, v_up;

grabber_reset #(.STAGES(SYNC_STAGES)) a_reset (
	.clk(axi_aclk), .both_resetn(both_resetn), .was_reset(a_was_reset),
	.peer_was_reset(v_was_reset), .up(a_up));
grabber_reset #(.STAGES(SYNC_STAGES)) v_reset (
	.clk(video_aclk), .both_resetn(both_resetn), .was_reset(v_was_reset),
	.peer_was_reset(a_was_reset), .up(v_up));

// ---- in video_aclk

wire run, v_run, v_waits;

grabber_sync #(.WIDTH(2), .STAGES(SYNC_STAGES)) to_v (
	.clk(video_aclk), .in({run, SOURCE_WAITS != 0 && frame_rate == 0}), .out({v_run, v_waits}));

// The pixels' bytes as they shall be in memory
wire [8*BEAT_BYTES-1:0] pixels;
genvar p, b;

generate
	for (p = 0; p < PIXELS_PER_BEAT; p = p + 1) begin : pixel
		wire [PIXEL_BYTES*8-1:0] padded;

		assign padded[PIXEL_BITS-1:0] =
			s_axis_video_tdata[p*PIXEL_BITS +: PIXEL_BITS];
		if (PIXEL_BYTES * 8 > PIXEL_BITS) begin : pad
			assign padded[PIXEL_BYTES*8-1:PIXEL_BITS] = 0;
		end
		for (b = 0; b < PIXEL_BYTES; b = b + 1) begin : order
			assign pixels[8*(p*PIXEL_BYTES+b) +: 8] =
				padded[8*PIXEL_ORDER[4*b +: 4] +: 8];
		end
	end
endgenerate

// First clock of a beat: it is measured. Second one: it is a frame's.
wire beat = s_axis_video_tvalid && s_axis_video_tready;
reg beat_1, sof_1, eol_1, ready;
reg [8*BEAT_BYTES-1:0] pixels_1;
wire [FIFO_BITS:0] word_free;
wire [HEADS:0] head_free;
reg room;

assign s_axis_video_tready = ready;

initial begin
	beat_1 = 0;
	ready = 0;
	room = 0;
end

always @(posedge video_aclk) begin
	beat_1 <= beat && v_up;
	sof_1 <= s_axis_video_tuser;
	eol_1 <= s_axis_video_tlast;
	pixels_1 <= pixels;
	// Beats of a frame before are still on their way.
	room <= word_free >= HALF && head_free > 2;
	ready <= v_up && (!v_waits || !v_run || (word_free >= HALF + 8 && head_free > 4));
end

wire [15:0] v_format, line_beats, v_height, v_width, v_input_width, v_input_height;
wire [21:0] v_line_bytes;
wire [26:0] v_frame_bytes;
wire known, v_locked;

grabber_measure #(
	.PIXELS_PER_BEAT(PIXELS_PER_BEAT), .BEAT_BYTES(BEAT_BYTES),
	.WIDTH(WIDTH), .HEIGHT(HEIGHT), .LOCK_FRAMES(LOCK_FRAMES)
) measure (
	.clk(video_aclk), .up(v_up), .beat(beat), .sof(s_axis_video_tuser),
	.eol(s_axis_video_tlast),
	.format(v_format), .line_beats(line_beats), .lines(v_height), .width(v_width),
	.line_bytes(v_line_bytes), .frame_bytes(v_frame_bytes), .known(known),
	.locked(v_locked), .input_width(v_input_width), .input_height(v_input_height));

wire accepted, beat_valid;
wire [1:0] beat_end;
wire [8*BEAT_BYTES-1:0] beat_data;
wire [31:0] accepted_number, v_begun;
wire [15:0] v_no_room, v_not_known;

grabber_frames #(.DATA_WIDTH(8*BEAT_BYTES)) frames (
	.clk(video_aclk), .up(v_up), .run(v_run), .room(room),
	.beat(beat_1), .sof(sof_1), .eol(eol_1), .data(pixels_1),
	.line_beats(line_beats), .lines(v_height), .known(known),
	.out_valid(beat_valid), .out_end(beat_end), .out_data(beat_data),
	.accepted(accepted), .accepted_number(accepted_number),
	.begun(v_begun), .no_room(v_no_room), .not_known(v_not_known));

wire packed_valid;
wire [1:0] packed_end;
wire [COUNT_BITS-1:0] packed_count;
wire [M_DATA_WIDTH-1:0] packed_data;

grabber_pack #(
	.BEAT_BYTES(BEAT_BYTES), .SMALL_BYTES(SMALL_BYTES), .WORD_BYTES(WORD_BYTES),
	.COUNT_BITS(COUNT_BITS)
) pack (
	.clk(video_aclk), .up(v_up),
	.in_valid(beat_valid), .in_end(beat_end), .in_data(beat_data),
	.out_valid(packed_valid), .out_end(packed_end), .out_count(packed_count),
	.out_data(packed_data));

// The last free word of the FIFO ends the frame; what follows of it is dropped.
reg closed;
wire cut = word_free == 1 && packed_end == GOES_ON;
wire word_write = packed_valid && !closed;

initial closed = 0;

always @(posedge video_aclk)
	if (!v_up)
		closed <= 0;
	else if (packed_valid)
		closed <= (closed || cut) && packed_end == GOES_ON;

// Was there video since the last news (one that waits is, too)? And frames of the input
reg alive;
reg [7:0] v_starts;
wire news_taken;

initial begin
	alive = 0;
	v_starts = 0;
end

always @(posedge video_aclk)
	if (!v_up) begin
		alive <= 0;
		v_starts <= 0;
	end else begin
		alive <= s_axis_video_tvalid || (alive && !news_taken);
		if (beat && s_axis_video_tuser)
			v_starts <= v_starts + 1;
	end

// ---- from video_aclk to axi_aclk

localparam [31:0] PIXELS = WIDTH;
localparam [31:0] LINES = HEIGHT;
localparam [31:0] LINE_BYTES = WIDTH / PIXELS_PER_BEAT * BEAT_BYTES;
localparam [31:0] FRAME_BYTES = LINE_BYTES * LINES;
localparam NEWS = 32 + 16 + 16 + 8 + 1 + 16 + 16 + 16 + 22 + 27 + 1 + 16 + 16;

wire arrived, a_alive, a_locked;
wire [31:0] a_begun;
wire [15:0] a_no_room, a_not_known, a_format, a_width, a_height, a_input_width, a_input_height;
wire [7:0] a_starts;
wire [21:0] a_line_bytes;
wire [26:0] a_frame_bytes;

grabber_mailbox #(
	.WIDTH(NEWS), .STAGES(SYNC_STAGES),
	.FIRST({73'd0, 16'd0, PIXELS[15:0], LINES[15:0], LINE_BYTES[21:0],
		FRAME_BYTES[26:0], 33'd0})
) news (
	.s_clk(video_aclk), .s_up(v_up), .s_taken(news_taken),
	.s_data({v_begun, v_no_room, v_not_known, v_starts, alive, v_format, v_width, v_height,
		 v_line_bytes, v_frame_bytes, v_locked, v_input_width, v_input_height}),
	.d_clk(axi_aclk), .d_up(a_up), .d_arrived(arrived),
	.d_data({a_begun, a_no_room, a_not_known, a_starts, a_alive, a_format, a_width, a_height,
		 a_line_bytes, a_frame_bytes, a_locked, a_input_width, a_input_height}));

wire word_ready, word_freeze, word_valid, word_more, head_ready, head_valid;
wire [1:0] word_end;
wire [COUNT_BITS-1:0] word_count;
wire [M_DATA_WIDTH-1:0] word_data;
wire [31:0] head_number;
wire [15:0] head_format;

grabber_fifo #(.WIDTH(WORD), .BITS(FIFO_BITS), .STAGES(SYNC_STAGES)) words (
	.w_clk(video_aclk), .w_up(v_up), .w_valid(word_write), .w_free(word_free),
	.w_data({cut ? CUT : packed_end, packed_count, packed_data}),
	.r_clk(axi_aclk), .r_up(a_up), .r_freeze(word_freeze), .r_ready(word_ready),
	.r_valid(word_valid), .r_more(word_more),
	.r_data({word_end, word_count, word_data}));

// A frame's number and format; there before its first word is
/* verilator lint_off PINCONNECTEMPTY */
grabber_fifo #(
	.WIDTH(48), .BITS(HEADS), .STAGES(SYNC_STAGES), .STYLE("distributed")
) heads (
	.w_clk(video_aclk), .w_up(v_up), .w_valid(accepted), .w_free(head_free),
	.w_data({accepted_number, v_format}),
	.r_clk(axi_aclk), .r_up(a_up), .r_freeze(1'b0), .r_ready(head_ready),
	.r_valid(head_valid), .r_more(), .r_data({head_number, head_format}));
/* verilator lint_on PINCONNECTEMPTY */

// ---- in axi_aclk

// This side's own reset lasts until the crossing is in reset, too: nothing of before
// may arrive after it.
reg [SYNC_STAGES+3:0] resetting;
wire a_resetn = axi_aresetn && resetting == 0;

initial resetting = ~0;

always @(posedge axi_aclk)
	resetting <= axi_aresetn ? resetting >> 1 : {SYNC_STAGES+4{1'b1}};

// No beat for long, or the receiver says so: no signal.
wire a_video_locked;
reg [31:0] quiet;
reg active;
wire signal = active && a_video_locked && a_up;

grabber_sync #(.STAGES(SYNC_STAGES)) to_a (
	.clk(axi_aclk), .in(video_locked), .out(a_video_locked));

initial active = 0;

always @(posedge axi_aclk)
	if (!a_resetn) begin
		active <= 0;
		quiet <= 0;
	end else if (arrived && a_alive) begin
		active <= 1;
		quiet <= 0;
	end else if (quiet != SIGNAL_CLOCKS) begin
		quiet <= quiet + 1;
	end else if (SIGNAL_CLOCKS != 0) begin
		active <= 0;
	end

wire started, busy, is_sent, is_cut, is_broken, is_aborted, log_write;
wire [63:0] begun, log_number;
wire [31:0] begun_there, log_bytes, log_flags;

grabber_packets #(.WORD_BYTES(WORD_BYTES), .COUNT_BITS(COUNT_BITS)) packets (
	.clk(axi_aclk), .resetn(a_resetn), .up(a_up),
	.head_valid(head_valid), .head_number(head_number), .head_format(head_format),
	.head_ready(head_ready),
	.word_valid(word_valid), .word_more(word_more), .word_end(word_end),
	.word_count(word_count), .word_data(word_data), .word_ready(word_ready),
	.word_freeze(word_freeze),
	.run(run), .started(started), .signal(signal),
	.engine_idle(!c2h_sts[6] && !c2h_sts[0]),
	.begun(begun), .begun_there(begun_there),
	.m_valid(m_axis_tvalid), .m_last(m_axis_tlast), .m_keep(m_axis_tkeep),
	.m_data(m_axis_tdata), .m_ready(m_axis_tready),
	.busy(busy), .is_sent(is_sent), .is_cut(is_cut), .is_broken(is_broken),
	.is_aborted(is_aborted),
	.log_write(log_write), .log_number(log_number), .log_bytes(log_bytes),
	.log_flags(log_flags));

grabber_registers #(
	.PIXELFORMAT(PIXELFORMAT), .RATE(RATE), .SERIAL(SERIAL), .CLOCK_HZ(CLOCK_HZ),
	.LOG_BITS(LOG_BITS)
) registers (
	.clk(axi_aclk), .resetn(a_resetn), .up(a_up),
	.s_axi_awaddr(s_axi_awaddr), .s_axi_awvalid(s_axi_awvalid),
	.s_axi_awready(s_axi_awready),
	.s_axi_wdata(s_axi_wdata), .s_axi_wstrb(s_axi_wstrb), .s_axi_wvalid(s_axi_wvalid),
	.s_axi_wready(s_axi_wready),
	.s_axi_bresp(s_axi_bresp), .s_axi_bvalid(s_axi_bvalid), .s_axi_bready(s_axi_bready),
	.s_axi_araddr(s_axi_araddr), .s_axi_arvalid(s_axi_arvalid),
	.s_axi_arready(s_axi_arready),
	.s_axi_rdata(s_axi_rdata), .s_axi_rresp(s_axi_rresp), .s_axi_rvalid(s_axi_rvalid),
	.s_axi_rready(s_axi_rready),
	.run(run), .started(started), .rate(frame_rate),
	.arrived(arrived), .begun_there(a_begun), .no_room_there(a_no_room),
	.not_known_there(a_not_known), .starts_there(a_starts),
	.format(a_format), .width(a_width), .height(a_height), .line_bytes(a_line_bytes),
	.frame_bytes(a_frame_bytes), .locked(a_locked),
	.input_width(a_input_width), .input_height(a_input_height), .signal(signal),
	.busy(busy), .is_sent(is_sent), .is_cut(is_cut), .is_broken(is_broken),
	.is_aborted(is_aborted), .all_begun(begun), .all_begun_there(begun_there),
	.log_write(log_write), .log_number(log_number), .log_bytes(log_bytes),
	.log_flags(log_flags));

endmodule

`default_nettype wire
