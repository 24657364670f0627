// SPDX-License-Identifier: MIT
// A FIFO from one clock to another. The pointers cross in gray code.
//
// Reading: the word is there while r_valid; r_ready takes it. r_more says that another
// one follows it: the reader can know that a word is not the last one.

`default_nettype none

module grabber_fifo #(
	parameter WIDTH = 8,
	parameter BITS = 4,		// 2^BITS words
	parameter STAGES = 2,
	/* verilator lint_off UNUSED */
	parameter STYLE = "block"	// or "distributed"
	/* verilator lint_on UNUSED */
) (
	input wire w_clk,
	input wire w_up,
	input wire w_valid,
	input wire [WIDTH-1:0] w_data,
	output reg [BITS:0] w_free,	// words that can still be written

	input wire r_clk,
	input wire r_up,
	input wire r_freeze,		// r_data stays as it is
	input wire r_ready,
	output reg r_valid,
	output reg r_more,
	output reg [WIDTH-1:0] r_data
);

localparam [BITS:0] DEPTH = {1'b1, {BITS{1'b0}}};

function [BITS:0] from_gray(input [BITS:0] gray);
	integer i;
	begin
		from_gray[BITS] = gray[BITS];
		for (i = BITS - 1; i >= 0; i = i - 1)
			from_gray[i] = from_gray[i + 1] ^ gray[i];
	end
endfunction

(* ram_style = STYLE *) reg [WIDTH-1:0] memory [0:(1<<BITS)-1];

// The writer's side
reg [BITS:0] w_at, w_gray;
wire [BITS:0] w_next = w_at + {{BITS{1'b0}}, w_valid};
wire [BITS:0] r_gray_there;
reg [BITS:0] r_there;

initial begin
	w_at = 0;
	w_gray = 0;
	r_there = 0;
	w_free = DEPTH;
end

always @(posedge w_clk)
	if (w_valid)
		memory[w_at[BITS-1:0]] <= w_data;

always @(posedge w_clk)
	if (!w_up) begin
		w_at <= 0;
		w_gray <= 0;
		r_there <= 0;
		w_free <= DEPTH;
	end else begin
		w_at <= w_next;
		w_gray <= w_next ^ (w_next >> 1);
		r_there <= from_gray(r_gray_there);
		w_free <= DEPTH - (w_next - r_there);
	end

// The reader's side: the memory's own register, then r_data
reg [BITS:0] r_at, r_gray;
wire [BITS:0] w_gray_there;
reg [WIDTH-1:0] fetched;
wire empty = r_gray == w_gray_there;
wire move = (!r_valid || r_ready) && !r_freeze;
wire fetch = !empty && (!r_more || move);
wire [BITS:0] r_next = r_at + {{BITS{1'b0}}, fetch};

initial begin
	r_at = 0;
	r_gray = 0;
	r_valid = 0;
	r_more = 0;
end

always @(posedge r_clk)
	if (fetch)
		fetched <= memory[r_at[BITS-1:0]];

always @(posedge r_clk)
	if (r_more && move)
		r_data <= fetched;

always @(posedge r_clk)
	if (!r_up) begin
		r_at <= 0;
		r_gray <= 0;
		r_valid <= 0;
		r_more <= 0;
	end else begin
		r_at <= r_next;
		r_gray <= r_next ^ (r_next >> 1);
		if (move)
			r_valid <= r_more;
		if (!r_more || move)
			r_more <= fetch;
	end

grabber_sync #(.WIDTH(BITS+1), .STAGES(STAGES)) r_to_w (
	.clk(w_clk), .in(r_gray), .out(r_gray_there));
grabber_sync #(.WIDTH(BITS+1), .STAGES(STAGES)) w_to_r (
	.clk(r_clk), .in(w_gray), .out(w_gray_there));

`ifdef GRABBER_ASSERT
always @(posedge w_clk)
	if (w_up && w_valid && w_free == 0) begin
		$display("assertion: a word is written into a full FIFO");
		$stop;
	end
always @(posedge w_clk)
	if (w_up && w_free > DEPTH) begin
		$display("assertion: the FIFO holds more than it has room for");
		$stop;
	end
`endif

endmodule

`default_nettype wire
